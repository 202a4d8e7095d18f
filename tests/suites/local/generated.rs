//! What is generated from the code is as the code generates it. `make generate` writes it anew.

use anyhow::{Context as _, Result};
use marketplace_tests::cluster::top;

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
