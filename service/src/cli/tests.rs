//! What the commands say of themselves and of their errors.

use std::error::Error;
use std::path::Path;

use clap::CommandFactory as _;

use super::{Cli, chain, read_config};

#[test]
fn the_flags_contradict_nothing() {
    Cli::command().debug_assert();
}

#[test]
fn the_examples_can_be_served() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut served = 0;
    for entry in folder.read_dir()? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "yaml") {
            read_config(&file).map_err(|error| chain(&error))?;
            served += 1;
        }
    }
    assert!(served >= 2, "{served}");
    Ok(())
}

#[test]
fn says_in_one_sentence_what_is_wrong_with_a_manifest() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("addon.yaml");
    let good = include_str!("../../../crds/fixtures/call-insights.yaml");
    let cases = [
        (good.replace("publicUrl", "publicURL"), "publicUrl"),
        (good.replace("encoding: Query", "encodign: Query"), "encoding"),
        (
            good.replace("path: /lookup", "path: /lookup\n    pth: /x"),
            "unknown field: spec.endpoints[2].pth",
        ),
        (
            good.replace(":phone_number", ":number"),
            ":number is none of :phone_number",
        ),
        ("kind: Pod".to_owned(), "holds no MarketplaceAddon"),
    ];
    for (text, expected) in cases {
        std::fs::write(&file, text)?;
        let told = read_config(&file).map_or_else(|error| chain(&error), |_| String::new());
        assert!(told.contains(expected) && !told.contains('\n'), "{expected}: {told}");
        assert!(told.contains("addon.yaml"), "{told}");
    }
    let told = read_config(&folder.path().join("none.yaml")).map_or_else(|error| chain(&error), |_| String::new());
    assert!(
        told.ends_with("none.yaml: No such file or directory (os error 2)"),
        "{told}"
    );
    Ok(())
}
