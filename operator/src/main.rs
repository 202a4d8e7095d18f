//! `marketplace-operator`: parses, then runs or prints.

use clap::Parser;
use marketplace_operator::config::{Cli, Command};
use marketplace_operator::run::run;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(config) => tokio::runtime::Runtime::new()?.block_on(run(*config)),
        Command::Crd => {
            print!("{}", serde_yaml::to_string(&marketplace_crds::definition())?);
            Ok(())
        }
        Command::Metrics => {
            print!("{}", marketplace_operator::metrics::document());
            Ok(())
        }
    }
}
