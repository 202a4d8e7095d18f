//! An S3 store of the tests' own: MinIO, as the cluster's profile has it, on a loopback address and with its data in a folder of
//! its own. It ends when the process that started it ends. Also taken in by the unit tests of the service, so that it stands
//! on the standard library and its neighbour `postgres` alone.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use super::postgres::guarded;

/// The key pair that every server takes.
pub const KEYS: (&str, &str) = ("storekeeper", "storekeeper-secret");
/// The longest that a start takes on a slow machine.
const BOUND: Duration = Duration::from_mins(1);
/// What tells guards to leave the folder.
const KEEP: &[u8] = b"keep";

/// A server.
#[derive(Debug)]
pub struct Minio {
    folder: PathBuf,
    address: SocketAddr,
    running: Option<(Child, ChildStdin)>,
}

impl Minio {
    /// The server that all tests of this process share: each takes a bucket of its own.
    pub fn shared() -> io::Result<&'static Self> {
        static SHARED: OnceLock<Result<Minio, String>> = OnceLock::new();
        SHARED
            .get_or_init(|| Self::start().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| io::Error::other(error.clone()))
    }

    /// A server of a test's own.
    pub fn start() -> io::Result<Self> {
        let number = next();
        let folder = std::env::temp_dir().join(format!("marketplace-minio-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("data"))?;
        let mut server = Self {
            folder,
            address: SocketAddr::from((own_address(), number)),
            running: None,
        };
        server.resume()?;
        Ok(server)
    }

    /// Starts it again after `stop`.
    pub fn resume(&mut self) -> io::Result<()> {
        let mut server = Command::new("env");
        server
            .arg(format!("MINIO_ROOT_USER={}", KEYS.0))
            .arg(format!("MINIO_ROOT_PASSWORD={}", KEYS.1))
            .args(["MINIO_BROWSER=off", "MINIO_UPDATE=off"])
            .arg(program()?)
            .args(["server", "--address", &self.address.to_string()])
            .arg(self.folder.join("data"));
        self.running = Some(guarded(&server, &self.folder, "KILL")?);
        let began = Instant::now();
        while began.elapsed() < BOUND {
            if self.is_ready() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(io::Error::other(format!("the S3 store does not answer: {log}")))
    }

    fn is_ready(&self) -> bool {
        let asked = TcpStream::connect(self.address).and_then(|mut stream| {
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(b"GET /minio/health/ready HTTP/1.1\r\nHost: store\r\nConnection: close\r\n\r\n")?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            Ok(status)
        });
        asked.is_ok_and(|status| status.ends_with(b" 200"))
    }

    /// Ends it at once, as a crash would; what it has confirmed it still has when it is started again.
    pub fn stop(&mut self) -> io::Result<()> {
        if let Some((mut guard, mut pipe)) = self.running.take() {
            pipe.write_all(KEEP)?;
            drop(pipe);
            guard.wait()?;
        }
        Ok(())
    }

    /// Its endpoint.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A new bucket.
    pub fn bucket(&self) -> io::Result<String> {
        let bucket = format!("test-{}", next());
        // to a server with one disk, a folder is a bucket
        fs::create_dir(self.folder.join("data").join(&bucket))?;
        Ok(bucket)
    }

    /// The names of all objects of a bucket.
    pub fn objects(&self, bucket: &str) -> io::Result<Vec<String>> {
        let root = self.folder.join("data").join(bucket);
        let (mut names, mut folders) = (Vec::new(), vec![root.clone()]);
        while let Some(folder) = folders.pop() {
            let inner = match fs::read_dir(&folder) {
                // what the server has just removed
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                inner => inner?,
            };
            for entry in inner {
                let path = entry?.path();
                if path.ends_with("xl.meta") {
                    names.extend(folder.strip_prefix(&root).ok().map(|name| name.display().to_string()));
                } else {
                    folders.extend(path.is_dir().then_some(path));
                }
            }
        }
        names.sort();
        Ok(names)
    }
}

impl Drop for Minio {
    fn drop(&mut self) {
        drop(self.stop());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The program of MARKETPLACE_MINIO, or the one that the cluster's profile has built.
fn program() -> io::Result<PathBuf> {
    if let Some(program) = std::env::var_os("MARKETPLACE_MINIO") {
        return Ok(program.into());
    }
    let cluster = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/cluster/cluster"));
    let told = Command::new(cluster).args(["where", "minio"]).output()?;
    if !told.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&told.stderr).into_owned()));
    }
    let place = String::from_utf8_lossy(&told.stdout).trim_end().to_owned();
    Ok(Path::new(&place).join("programs/minio"))
}

/// A loopback address of this process alone, below the ports that the kernel hands out.
fn own_address() -> Ipv4Addr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | high, middle, low)
}

/// Numbers what must not meet, ports among them.
fn next() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(9000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
