#!/bin/bash
# make soak: what takes hours, part by part, up to the first that fails. How much of each is a setting:
#   SOAK_CRASH_ROUNDS   crashes at each marked point, on each database (200)
#   SOAK_POWER_ROUNDS   power failures, on each database (200)
#   SOAK_FUZZ_SECONDS   for each target of the fuzzer (600)
source "$(dirname "$0")/environment.sh"
source "$(dirname "$0")/suites.sh"

trap times EXIT
part "packages" "$top/tests/lanes/packages.sh"
part "compile the tests" build_suites
part "programs" cargo build --release --workspace --bins
export MARKETPLACE_SERVICE=$release/marketplace-service
MARKETPLACE_CRASH_ROUNDS=${SOAK_CRASH_ROUNDS:-200} part "crashes" suites local::crash_points::
MARKETPLACE_CRASH_ROUNDS=${SOAK_POWER_ROUNDS:-200} part "power failures" suites local::power::
part "fuzzing" "$top/tests/lanes/fuzz.sh"
