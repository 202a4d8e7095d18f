#!/bin/bash
# What can be said of the sources without running them.
source "$(dirname "$0")/environment.sh"

cargo fmt --all --check
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard | xargs -r grep -lE '^#!/bin/bash|^# shellcheck shell=bash')
shellcheck -x -P SCRIPTDIR --severity=warning "${scripts[@]}"
cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null || { say "fuzz/Cargo.lock is stale: run make generate"; exit 1; }
cargo clippy --workspace --all-targets -- -D warnings
