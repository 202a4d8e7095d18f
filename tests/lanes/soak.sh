#!/bin/bash
# make soak: what takes hours, part by part, up to the first that fails. How much of each is a setting:
#   SOAK_CRASH_ROUNDS   crashes at each marked point, on each database (200)
#   SOAK_POWER_ROUNDS   power failures, on each database (200)
#   SOAK_FUZZ_SECONDS   for each target of the fuzzer (600)
#   SOAK_OUTAGES        seconds for which the API server is gone, one after another (120 600)
source "$(dirname "$0")/environment.sh"
source "$(dirname "$0")/suites.sh"

outage() { # SECONDS
  OUTAGE_SECONDS=$1 suites cluster::outage:: "$cluster" exec --
}

trap finish EXIT
part "packages" "$top/tests/lanes/packages.sh"
part "compile the tests" build_suites
part "the S3 store of the tests" "$cluster" build --alone minio
part "programs" cargo build --release --workspace --bins
export MARKETPLACE_SERVICE=$release/marketplace-service
MARKETPLACE_CRASH_ROUNDS=${SOAK_CRASH_ROUNDS:-200} part "crashes" suites local::crash_points::
MARKETPLACE_CRASH_ROUNDS=${SOAK_POWER_ROUNDS:-200} part "power failures" suites local::power::
part "fuzzing" "$top/tests/lanes/fuzz.sh"
part "images" "$top/tests/lanes/images.sh"
part "build the cluster's programs" "$cluster" build
part "cluster up" node_is_up
for seconds in ${SOAK_OUTAGES:-120 600}; do
  part "an outage of $seconds s" outage "$seconds"
done
part "build the cluster's Postgres" "$cluster" build postgres
SUITE_THREADS=1 part "requests while pods are changed" suites quiet:: "$cluster" exec --
