#!/bin/bash
# Writes every file that is generated from the code: the definition of the resource, twice (for kubectl, and in the chart),
# the schema of a recording's result, and the table of the metrics; and the fuzzer's lock, which follows the workspace's.
source "$(dirname "$0")/environment.sh"
cargo build --workspace --bins
"$CARGO_TARGET_DIR/$triple/debug/marketplace-operator" crd >crds/marketplaceaddons.yaml
mkdir -p charts/marketplace-operator/files
cp crds/marketplaceaddons.yaml charts/marketplace-operator/files/marketplaceaddons.yaml
{
    "$CARGO_TARGET_DIR/$triple/debug/marketplace-service" metrics
    "$CARGO_TARGET_DIR/$triple/debug/marketplace-operator" metrics
} >docs/metrics.md
"$CARGO_TARGET_DIR/$triple/debug/marketplace-service" schema >docs/result.schema.json
cp Cargo.lock fuzz/Cargo.lock
cargo update --quiet --workspace --manifest-path fuzz/Cargo.toml
