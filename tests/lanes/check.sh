#!/bin/bash
# What can be said of the sources without running them.
source "$(dirname "$0")/environment.sh"

cargo fmt --all --check
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard | xargs -r grep -lE '^#!/bin/bash|^# shellcheck shell=bash')
shellcheck -x -P SCRIPTDIR --severity=warning "${scripts[@]}"
cargo clippy --workspace --all-targets -- -D warnings
