//! The built service as a process of its own, on an address of its own, in a folder of its own: as `marketplace-service
//! run` is started on a laptop.

mod home;

use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

pub use home::Home;

use crate::http::get;
use crate::patience::{BOUND, until};

/// The program under test: the one of MARKETPLACE_SERVICE, or the one that was built beside the suites.
pub fn program() -> Result<PathBuf> {
    let program = match std::env::var_os("MARKETPLACE_SERVICE") {
        Some(path) => PathBuf::from(path),
        None => built_beside()?,
    };
    ensure!(
        program.is_file(),
        "{} is not there: build it with `cargo build --workspace --bins`",
        program.display()
    );
    Ok(program)
}

fn built_beside() -> Result<PathBuf> {
    // The suites lie in a folder `deps` beside the programs.
    let suites = std::env::current_exe()?;
    let programs = suites.parent().and_then(|deps| deps.parent());
    Ok(programs
        .context("the suites lie in no target folder")?
        .join("marketplace-service"))
}

/// Runs the program with these arguments to its end, which must come by itself.
pub async fn run_to_end(arguments: &[&str]) -> Result<Output> {
    let mut command = tokio::process::Command::new(program()?);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(BOUND, command.output()).await;
    Ok(ended.with_context(|| format!("{arguments:?} has not ended after {} s", BOUND.as_secs()))??)
}

/// The same for a service that does not start: `run` with what this home has for it, and more. Gives back its exit code and
/// what it said.
pub async fn refused_at_start(home: &Home, more: &[&str]) -> Result<(Option<i32>, String)> {
    let arguments = home.arguments();
    let arguments: Vec<_> = std::iter::once("run")
        .chain(arguments.iter().map(String::as_str))
        .chain(more.iter().copied())
        .collect();
    let output = run_to_end(&arguments).await?;
    Ok((
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    ))
}

/// A running service. Dropped, it is killed; its log is among the output of the test.
pub struct Service<'home> {
    home: &'home Home,
    process: Child,
}

impl<'home> Service<'home> {
    /// Starts it and waits until it says that it is ready.
    pub async fn start(home: &'home Home) -> Result<Self> {
        Self::start_with(home, &[]).await
    }

    /// The same for one half of the work.
    pub async fn start_as(home: &'home Home, role: &str) -> Result<Self> {
        Self::start_with(home, &["--role", role]).await
    }

    /// Starts one that kills itself at the n-th pass of this point, which may be before anybody sees that it is ready.
    pub fn start_to_crash_at(home: &'home Home, point: &str, pass: u64) -> Result<Self> {
        Self::spawn(home, &[], &[("MARKETPLACE_CRASH_AT", &format!("{point}:{pass}"))])
    }

    async fn start_with(home: &'home Home, arguments: &[&str]) -> Result<Self> {
        let mut service = Self::spawn(home, arguments, &[])?;
        until("the service is ready", async || {
            if let Some(status) = service.exit_status()? {
                bail!("the service has ended with {status} instead of becoming ready");
            }
            let answer = get(home.admin(), "/readyz").await;
            Ok(answer.ok().filter(|answer| answer.status == 200))
        })
        .await?;
        Ok(service)
    }

    fn spawn(home: &'home Home, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Self> {
        let log = File::options().create(true).append(true).open(home.log_path())?;
        let process = Command::new(program()?)
            .arg("run")
            .args(home.arguments())
            .args(arguments)
            .envs(home.variables().iter().map(|(name, value)| (name, value)))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("failed to start the service")?;
        Ok(Self { home, process })
    }

    /// Where Twilio's requests go.
    pub fn address(&self) -> SocketAddr {
        self.home.address()
    }

    /// Where the probes and the metrics are.
    pub fn admin(&self) -> SocketAddr {
        self.home.admin()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// All metrics as text.
    pub async fn metrics(&self) -> Result<String> {
        Ok(get(self.admin(), "/metrics").await?.text())
    }

    /// How it ended, if it did.
    pub fn exit_status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }

    /// Asks it to stop.
    pub fn terminate(&self) -> Result<()> {
        // A signal other than SIGKILL is not in the standard library.
        let status = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {}", self.pid()))
            .status()?;
        ensure!(status.success(), "failed to send SIGTERM");
        Ok(())
    }

    /// Waits for it to end by itself.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        until("the service has ended", async || Ok(self.exit_status()?)).await
    }

    /// SIGKILL: nothing in the process runs any more.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        print!("{}", self.home.log());
        if !std::thread::panicking() {
            let left = TcpStream::connect(self.home.address()).is_ok();
            assert!(!left, "something still listens on {}", self.home.address());
        }
    }
}
