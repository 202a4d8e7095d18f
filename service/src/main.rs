//! The service of one add-on, and the client that acts as Twilio against it.

use std::process::ExitCode;

use clap::Parser as _;
use marketplace_service::cli::{Cli, execute};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Threads that wait for the disk or compute. Each costs memory of its own, and a disk is not faster for more of them.
const BLOCKING_THREADS: usize = 32;

fn main() -> ExitCode {
    marketplace_daemon::telemetry::install_tls_provider();
    let command = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(execute(command)),
        Err(error) => {
            eprintln!("marketplace-service: failed to start its threads: {error}");
            ExitCode::FAILURE
        }
    }
}
