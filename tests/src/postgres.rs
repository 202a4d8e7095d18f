//! A Postgres server of the tests' own: Debian's programs, in a folder of its own, on a socket there, as the user `postgres`
//! where the tests are root, because Postgres refuses root. It ends when the process that started it ends, however that
//! ends: a shell between them waits for the end of a pipe. Also taken in by the unit tests of the service, so that it
//! stands on the standard library alone.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Where Debian keeps the programs.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
/// No address but the socket's; and room for every process of every test.
const USUAL: [&str; 3] = ["listen_addresses=", "max_connections=400", "shared_buffers=64MB"];
/// The user that Debian's package makes.
const USER: &str = "postgres";
/// The longest that a start takes on a slow machine.
const BOUND: Duration = Duration::from_mins(1);

// Reads until whoever started it is gone or lets go, then ends the server at once; what it wrote goes too, unless told.
const GUARD: &str = "trap '' TERM INT HUP; folder=$1; signal=$2; shift 2; \"$@\" & server=$!; told=$(cat); kill -s \"$signal\" $server; wait $server; \
     [ \"$told\" = keep ] || rm -rf \"$folder\"";
const KEEP: &[u8] = b"keep";

/// A server with one database, `postgres`.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    data: PathBuf,
    settings: Vec<String>,
    running: Option<(Child, ChildStdin)>,
}

impl Postgres {
    /// The server that all tests of this process share: each takes a schema of its own.
    pub fn shared() -> io::Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start(&[]).map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| io::Error::other(error.clone()))
    }

    /// A server of a test's own, with these settings beside the usual ones.
    pub fn start(settings: &[&str]) -> io::Result<Self> {
        // Its end is the end of the test: nothing has to be found again.
        Self::start_new(None, &["--no-sync"], settings)
    }

    /// The same with its data in this folder, made with these options.
    pub(crate) fn start_new(data: Option<&Path>, made_with: &[&str], settings: &[&str]) -> io::Result<Self> {
        let folder = new_folder()?;
        let data = data.map_or_else(|| folder.join("data"), Path::to_owned);
        let mut initdb = as_user(&Path::new(PROGRAMS).join("initdb"))?;
        initdb.args([
            "--auth=trust",
            "--username=postgres",
            "--no-instructions",
            "--locale=C",
            "--encoding=UTF8",
        ]);
        succeed(initdb.args(made_with).arg("-D").arg(&data))?;
        let mut server = Self {
            folder,
            data,
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
            running: None,
        };
        server.resume()?;
        Ok(server)
    }

    /// Starts it again after `stop`.
    pub fn resume(&mut self) -> io::Result<()> {
        let mut server = as_user(&Path::new(PROGRAMS).join("postgres"))?;
        server.arg("-D").arg(&self.data).arg("-k").arg(&self.folder);
        for setting in USUAL {
            server.args(["-c", setting]);
        }
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        self.running = Some(guarded(&server, &self.folder, "QUIT")?);
        self.wait_until_ready()
    }

    fn wait_until_ready(&self) -> io::Result<()> {
        let began = Instant::now();
        while began.elapsed() < BOUND {
            let asked = self.ask("SELECT 1");
            if asked.is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(io::Error::other(format!("the server does not answer: {log}")))
    }

    /// Ends it at once, as a crash would; what it has committed it still has when it is started again.
    pub fn stop(&mut self) -> io::Result<()> {
        if let Some((mut guard, mut pipe)) = self.running.take() {
            pipe.write_all(KEEP)?;
            drop(pipe);
            guard.wait()?;
        }
        Ok(())
    }

    /// Where its socket lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The URL of its database with these parameters after the `?`.
    pub fn url_with(&self, parameters: &str) -> String {
        format!(
            "postgres://postgres@localhost/postgres?host={}&{parameters}",
            self.folder.display()
        )
    }

    /// A new schema, as the URL under which its tables are found.
    pub fn schema(&self) -> io::Result<String> {
        let schema = format!("test_{}", next());
        self.ask(&format!("CREATE SCHEMA {schema}"))?;
        Ok(self.url_with(&format!("options=-csearch_path%3D{schema}")))
    }

    /// What `psql` says to this, as its own superuser: one row a line, columns parted by bars.
    pub fn ask(&self, sql: &str) -> io::Result<String> {
        let mut command = Command::new(Path::new(PROGRAMS).join("psql"));
        command.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "postgres",
            "-h",
        ]);
        let mut asked = command
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut questions) = asked.stdin.take() {
            // It may have ended already; then its status tells why.
            drop(questions.write_all(sql.as_bytes()));
        }
        let answered = text_of(&asked.wait_with_output()?)?;
        Ok(answered.trim_end().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.stop());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Where its socket and its log will lie.
fn new_folder() -> io::Result<PathBuf> {
    if !Path::new(PROGRAMS).join("initdb").is_file() {
        return Err(io::Error::other(format!(
            "{PROGRAMS}/initdb is missing: run tests/lanes/packages.sh, or install postgresql-15"
        )));
    }
    let folder = std::env::temp_dir().join(format!("marketplace-postgres-{}-{}", std::process::id(), next()));
    fs::create_dir(&folder)?;
    if is_root()? {
        succeed(Command::new("chown").arg(USER).arg(&folder))?;
    }
    Ok(folder)
}

/// Numbers what must not meet.
fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Starts a program of a folder, with its log there; it gets the signal when this process ends.
pub(crate) fn guarded(program: &Command, folder: &Path, signal: &str) -> io::Result<(Child, ChildStdin)> {
    let log = fs::File::options().create(true).append(true).open(folder.join("log"))?;
    let mut guard = Command::new("sh")
        .args(["-c", GUARD, "guard"])
        .arg(folder)
        .arg(signal)
        .arg(program.get_program())
        .args(program.get_args())
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let pipe = guard.stdin.take();
    let pipe = pipe.ok_or_else(|| io::Error::other("the guard has no pipe"))?;
    Ok((guard, pipe))
}

fn is_root() -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(fs::metadata("/proc/self")?.uid() == 0)
}

/// A program that refuses root, as somebody else where the tests are root.
pub(crate) fn as_user(program: &Path) -> io::Result<Command> {
    if !is_root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("setpriv");
    command.args([
        format!("--reuid={USER}"),
        format!("--regid={USER}"),
        "--init-groups".to_owned(),
    ]);
    command.arg(program);
    Ok(command)
}

fn succeed(command: &mut Command) -> io::Result<()> {
    text_of(&command.stdin(Stdio::null()).output()?).map(drop)
}

fn text_of(output: &Output) -> io::Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{}: {told}", output.status)))
}
