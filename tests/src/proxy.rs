//! nginx as the proxy in front of a service: a real process on loopback, with a configuration of the test's own. One of its
//! two doors passes a path on as it came, the other takes a prefix off.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::patience::until;

/// A running nginx. Dropped, it is killed.
pub struct Proxy {
    process: Child,
    _folder: TempDir,
}

/// Where it listens, and for what.
#[derive(Debug, Clone, Copy)]
pub struct Doors<'a> {
    /// Paths are passed on as they came.
    pub passing: SocketAddr,
    /// The prefix is taken off.
    pub stripping: SocketAddr,
    /// Empty: there is nothing to take off.
    pub prefix: &'a str,
}

impl Proxy {
    /// Starts it in front of a service.
    pub async fn start(doors: Doors<'_>, service: SocketAddr) -> Result<Self> {
        let folder = TempDir::with_prefix("marketplace-nginx-")?;
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(doors, service, &folder.path().to_string_lossy()))?;
        let program = if fs::exists("/usr/sbin/nginx")? {
            "/usr/sbin/nginx"
        } else {
            "nginx"
        };
        let process = Command::new(program)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"])
            .stdin(Stdio::null())
            .spawn()
            .context("failed to start nginx; on Debian: apt-get install nginx-light")?;
        let mut proxy = Self {
            process,
            _folder: folder,
        };
        until("nginx listens", async || {
            if let Some(status) = proxy.process.try_wait()? {
                bail!("nginx has ended with {status}");
            }
            Ok([doors.passing, doors.stripping]
                .iter()
                .all(|door| TcpStream::connect(door).is_ok())
                .then_some(()))
        })
        .await?;
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One process without a master, so that killing it leaves nothing behind.
fn configuration(doors: Doors<'_>, service: SocketAddr, folder: &str) -> String {
    let Doors {
        passing,
        stripping,
        prefix,
    } = doors;
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("  {kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr warn;\nevents {{}}\nhttp {{\n  access_log off;\n{temporary}\
         \x20 server {{ listen {passing}; location / {{ proxy_pass http://{service}; }} }}\n\
         \x20 server {{ listen {stripping}; location {prefix}/ {{ proxy_pass http://{service}/; }} }}\n}}\n"
    )
}
