//! What is generated from the code is as the code generates it. `make generate` writes it anew.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context as _, Result};
use marketplace_tests::cluster::top;
use marketplace_tests::service::program;

#[test]
fn the_definition_of_the_resource_is_not_stale() -> Result<()> {
    let generated = serde_yaml::to_string(&marketplace_crds::definition())?;
    for file in [
        "crds/marketplaceaddons.yaml",
        "charts/marketplace-operator/files/marketplaceaddons.yaml",
    ] {
        let written = std::fs::read_to_string(top().join(file)).with_context(|| file.to_owned())?;
        assert!(written == generated, "{file} is stale: run `make generate`");
    }
    Ok(())
}

#[test]
fn the_table_of_the_metrics_is_not_stale() -> Result<()> {
    let service = program()?;
    let operator = service.with_file_name("marketplace-operator");
    let mut generated = String::new();
    for program in [service, operator] {
        let output = Command::new(&program)
            .arg("metrics")
            .output()
            .with_context(|| program.display().to_string())?;
        generated += &String::from_utf8(output.stdout)?;
    }
    let written = std::fs::read_to_string(top().join("docs/metrics.md"))?;
    assert!(written == generated, "docs/metrics.md is stale: run `make generate`");
    Ok(())
}

#[test]
fn the_schema_of_the_result_is_not_stale() -> Result<()> {
    let generated = Command::new(program()?).arg("schema").output()?.stdout;
    let written = std::fs::read(top().join("docs/result.schema.json"))?;
    assert!(
        written == generated,
        "docs/result.schema.json is stale: run `make generate`"
    );
    Ok(())
}

/// What only the fuzzer needs.
const FUZZER: [&str; 4] = ["arbitrary", "jobserver", "libfuzzer-sys", "marketplace-fuzz"];

/// Name and version of everything that a lock pins.
fn pinned(file: &str) -> Result<BTreeSet<(String, String)>> {
    let lock = std::fs::read_to_string(top().join(file)).with_context(|| file.to_owned())?;
    let value = |line: &str, key: &str| {
        Some(
            line.strip_prefix(key)?
                .strip_prefix(" = ")?
                .trim_matches('"')
                .to_owned(),
        )
    };
    let lines: Vec<_> = lock.lines().collect();
    let pairs = lines
        .windows(2)
        .filter_map(|pair| Some((value(pair[0], "name")?, value(pair[1], "version")?)));
    Ok(pairs.collect())
}

#[test]
fn the_fuzzer_drives_what_the_product_is_built_with() -> Result<()> {
    let ours = pinned("Cargo.lock")?;
    let mut others = pinned("fuzz/Cargo.lock")?;
    others.retain(|pin| !ours.contains(pin) && !FUZZER.contains(&pin.0.as_str()));
    assert!(
        others.is_empty(),
        "fuzz/Cargo.lock is stale: run `make generate`: {others:?}"
    );
    Ok(())
}
