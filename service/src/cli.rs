//! The commands of the program and their flags, the only reader of either; called by `main`. Whatever is wrong with them is
//! told in one sentence.
//!
//! Exit codes: 0 all was well; 1 it was not; 2 the command, the manifest or a secret cannot be used as given.

pub mod invoke;
pub mod jobs;
pub mod run;
pub mod transcribe;
pub mod verify;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use marketplace_crds::manifest::{self, ReadManifest};
use marketplace_daemon::cause::chain;
use marketplace_daemon::telemetry::TelemetryError;
use marketplace_daemon::traces::{TraceError, TraceSettings, Traces};
use marketplace_daemon::{Build, LogFormat, telemetry};

use crate::analysis;
use crate::config::{Config, ReadConfig};
use crate::domain::AddonKey;
use crate::files::SecretPlaces;
use crate::metrics::catalog;

use self::invoke::InvokeOptions;
use self::jobs::JobsOptions;
use self::run::RunOptions;
use self::transcribe::TranscribeOptions;
use self::verify::VerifyOptions;

/// What this program is, in its logs and metrics.
pub const BUILD: Build = Build {
    name: "marketplace-service",
    version: env!("CARGO_PKG_VERSION"),
};

const WRONG_INPUT: u8 = 2;

const EXAMPLES: &str = "\
Examples:
  The whole service of an add-on, on this machine:
    marketplace-service run -f addon.yaml --secrets secrets --data data

  Ask it as Twilio would; a recording's callback is received as well:
    marketplace-service invoke -f addon.yaml --secrets secrets --endpoint sms \\
        --field phone=+14155551212 --to http://127.0.0.1:8080
    marketplace-service invoke -f addon.yaml --secrets secrets --endpoint recordings \\
        --audio recording.wav --to http://127.0.0.1:8080

  Fields are written as the manifest maps them; what is left out is filled in:
    marketplace-service invoke -f addon.yaml --endpoint lookup --to http://127.0.0.1:8080 \\
        --field /contact/number=+14155551212 --field query:apikey=wrong --field header:X-Language=de
    marketplace-service invoke -f addon.yaml --endpoint recordings --to http://127.0.0.1:8080 \\
        --audio samples.raw --field format=SIGNED_16BIT_SLINER --field rate=8000 --test

  Why was this request refused?
    marketplace-service verify --token-file secrets/twilio/AUTH_TOKEN --signature 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' \\
        --url 'https://mycompany.com/myapp.php?foo=1&bar=2' --param Digits=1234 --param To=+18005551212

  What became of a recording, and once more what could not be delivered since noon:
    marketplace-service jobs show -f addon.yaml --data data MRxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    marketplace-service jobs replay -f addon.yaml --data data --state expired --after 2026-11-21T12:00:00Z --yes

  `secrets` holds a folder for each Secret that addon.yaml names, with a file for each key:
    mkdir -p secrets/twilio
    printf %s ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx > secrets/twilio/ACCOUNT_SID
    printf %s your_auth_token > secrets/twilio/AUTH_TOKEN
  or is left out, with the lines ACCOUNT_SID=... and AUTH_TOKEN=... in a file:
    marketplace-service run -f addon.yaml --env-file .env --data data";

/// Answers the requests that Twilio signs for an add-on of the Marketplace, as its MarketplaceAddon declares it.
#[derive(Debug, Parser)]
#[command(name = BUILD.name, version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the add-on until SIGTERM.
    Run(RunOptions),
    /// Act as Twilio: sign a request, send it, receive the callback, and judge what came.
    Invoke(InvokeOptions),
    /// Explain one request: which texts its signature was held against, which would match, and what is likely wrong.
    Verify(VerifyOptions),
    /// Write down what is said in a recording with the built-in engine, and print it as JSON.
    Transcribe(TranscribeOptions),
    /// Look at accepted recordings, deliver them again, end or delete them; also while the service runs.
    Jobs(JobsOptions),
    /// Print what the metrics mean, for docs/metrics.md.
    #[command(hide = true)]
    Metrics,
    /// Print the schema of the result of a recording, for docs/result.schema.json.
    #[command(hide = true)]
    Schema,
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The manifest, a flag or a secret cannot be used.
    #[error(transparent)]
    UseInput(Box<dyn Error + Send + Sync>),
    /// It could, and then something failed.
    #[error(transparent)]
    Work(Box<dyn Error + Send + Sync>),
}

impl CommandError {
    fn input(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::UseInput(error.into())
    }

    fn work(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Work(error.into())
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::UseInput(_) => ExitCode::from(WRONG_INPUT),
            Self::Work(_) => ExitCode::FAILURE,
        }
    }
}

/// Why the add-on of a file cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ReadAddon {
    /// The file.
    #[error("failed to read {file}")]
    ReadFile {
        /// Its path.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Its contents.
    #[error("failed to use {file}")]
    ReadManifest {
        /// Its path.
        file: String,
        /// What is wrong with it.
        #[source]
        source: ReadManifest,
    },
    /// What the resource's own rules cannot say.
    #[error("failed to use {file}")]
    ReadConfig {
        /// Its path.
        file: String,
        /// What is wrong with it.
        #[source]
        source: ReadConfig,
    },
}

/// Does what was asked.
pub async fn execute(cli: Cli) -> ExitCode {
    let done = match cli.command {
        Command::Run(options) => run::run(options).await.map(|()| ExitCode::SUCCESS),
        Command::Invoke(options) => invoke::invoke(options).await,
        Command::Verify(options) => verify::verify(options),
        Command::Transcribe(options) => transcribe::transcribe(options).await.map(|()| ExitCode::SUCCESS),
        Command::Jobs(options) => jobs::jobs(options).await,
        Command::Metrics => {
            print!("{}", catalog::document());
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema => {
            println!("{:#}", analysis::schema().to_value());
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("{}: {}", BUILD.name, chain(&error));
        error.exit_code()
    })
}

/// Reads the file that one would `kubectl apply`.
fn read_config(file: &Path) -> Result<Config, ReadAddon> {
    let name = || file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|source| ReadAddon::ReadFile { file: name(), source })?;
    let addon = manifest::read(&text).map_err(|source| ReadAddon::ReadManifest { file: name(), source })?;
    Config::from_addon(&addon).map_err(|source| ReadAddon::ReadConfig { file: name(), source })
}

/// How the program tells what it does.
#[derive(Debug, clap::Args)]
pub struct LogOptions {
    /// How a line of the log is written.
    #[arg(long, value_enum, default_value_t, env = "MARKETPLACE_LOG_FORMAT")]
    log_format: LogFormat,

    /// What is logged, as for RUST_LOG: `info`, or `warn,marketplace_service=debug`.
    #[arg(long, default_value = "info", env = "RUST_LOG")]
    log_filter: String,
}

/// Where the program tells how long what took.
#[derive(Debug, clap::Args)]
pub struct TraceOptions {
    /// The collector that traces are sent to, as OTLP over HTTP: http://HOST:4318. Without it there are none.
    #[arg(
        long,
        value_name = "URL",
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        hide_env_values = true
    )]
    otlp_endpoint: Option<String>,

    /// Of all traces, the part that is sent.
    #[arg(long, value_name = "0..1", default_value_t = 1.0, value_parser = ratio)]
    otlp_sample_ratio: f64,
}

fn ratio(text: &str) -> Result<f64, &'static str> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or("want a number from 0 to 1")
}

impl TraceOptions {
    fn start(&self, addon: &AddonKey) -> Result<Option<Traces>, TraceError> {
        let settings = self.otlp_endpoint.as_ref().map(|endpoint| TraceSettings {
            endpoint: endpoint.clone(),
            sample_ratio: self.otlp_sample_ratio,
            attributes: vec![("marketplace.addon", addon.as_str().to_owned())],
        });
        settings.map(|settings| Traces::start(BUILD, settings)).transpose()
    }
}

impl LogOptions {
    fn start(&self, traces: Option<&Traces>) -> Result<(), TelemetryError> {
        telemetry::start(BUILD, self.log_format, &self.log_filter, traces)
    }
}

/// Where the model of speech is.
#[derive(Debug, clap::Args)]
pub struct ModelOptions {
    /// The folder with the model of the built-in engine of transcription, as the image marketplace-service-speech has it.
    /// Needed when an endpoint uses that engine.
    #[arg(
        long = "model",
        value_name = "DIR",
        env = "MARKETPLACE_MODEL",
        default_value = "/model"
    )]
    folder: PathBuf,
}

/// Where the add-on and its secrets are.
#[derive(Debug, clap::Args)]
pub struct AddonOptions {
    /// The manifest, as one would `kubectl apply` it.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,

    /// A folder with a folder for each Secret that the manifest names, and in it a file for each key.
    #[arg(long, value_name = "DIR", default_value = "secrets")]
    secrets: PathBuf,

    /// A file with lines ACCOUNT_SID=..., AUTH_TOKEN=... and perhaps AUTH_TOKEN_SECONDARY=..., as the example add-ons keep
    /// it, in place of the credentials' folder.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

impl AddonOptions {
    fn places(&self) -> SecretPlaces {
        SecretPlaces {
            folder: self.secrets.clone(),
            env_file: self.env_file.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
