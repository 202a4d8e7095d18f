//! `marketplace-operator`: parses, then runs, prints or looks.

use std::process::ExitCode;

use clap::Parser;
use marketplace_operator::config::{Cli, Command};
use marketplace_operator::run::run;
use marketplace_operator::{doctor, preview};
use tokio::runtime::Runtime;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<ExitCode> {
    match Cli::parse().command {
        Command::Run(config) => Runtime::new()?.block_on(run(*config))?,
        Command::Render(command) => match preview::preview(&command) {
            Ok(children) => print!("{children}"),
            Err(refused) => {
                eprintln!("{refused}");
                return Ok(ExitCode::FAILURE);
            }
        },
        Command::Doctor(command) => {
            let findings = Runtime::new()?.block_on(doctor::examine(&command))?;
            print!("{}", doctor::table(&findings));
            return Ok(if doctor::is_well(&findings) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Crd => print!("{}", serde_yaml::to_string(&marketplace_crds::definition())?),
        Command::Metrics => print!("{}", marketplace_operator::metrics::document()),
    }
    Ok(ExitCode::SUCCESS)
}
