//! The service of one add-on, and the client that acts as Twilio against it.

use std::process::ExitCode;

use clap::Parser as _;
use marketplace_service::cli::{Cli, execute};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    marketplace_daemon::telemetry::install_tls_provider();
    execute(Cli::parse()).await
}
