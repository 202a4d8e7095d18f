//! Debian's PgBouncer in front of a test's own Postgres, on a socket in a folder below the server's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command};

use crate::postgres::{Postgres, as_user, guarded};

/// Where Debian keeps the program.
const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// A running PgBouncer. Dropped, it ends.
#[derive(Debug)]
pub struct PgBouncer {
    folder: PathBuf,
    running: Option<(Child, ChildStdin)>,
}

impl PgBouncer {
    /// Starts it with so many sessions for all its clients together.
    pub fn start(server: &Postgres, pool_mode: &str, sessions: u32) -> io::Result<Self> {
        if !Path::new(PROGRAM).is_file() {
            return Err(io::Error::other(format!(
                "{PROGRAM} is missing: run tests/lanes/packages.sh, or install pgbouncer"
            )));
        }
        let folder = server.folder().join(format!("pgbouncer-{pool_mode}"));
        let made = as_user(Path::new("/bin/mkdir"))?.arg(&folder).status()?;
        if !made.success() {
            return Err(io::Error::other("the folder of PgBouncer is not made"));
        }
        let settings = format!(
            "[databases]\npostgres = host={} user=postgres\n\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n\
             unix_socket_dir = {}\nauth_type = any\npool_mode = {pool_mode}\ndefault_pool_size = {sessions}\n\
             max_client_conn = 100\n",
            server.folder().display(),
            folder.display()
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings)?;
        let mut program: Command = as_user(Path::new(PROGRAM))?;
        program.arg(&file);
        let running = Some(guarded(&program, &folder, "TERM")?);
        Ok(Self { folder, running })
    }

    /// The URL of the server's database through it.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@localhost:6432/postgres?host={}",
            self.folder.display()
        )
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        if let Some((mut guard, pipe)) = self.running.take() {
            drop(pipe);
            drop(guard.wait());
        }
    }
}
