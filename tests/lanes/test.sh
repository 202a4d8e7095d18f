#!/bin/bash
# make test: everything that proves a cause, cheapest first; the cluster suite last. Ends with its wall time, part by part.
source "$(dirname "$0")/environment.sh"
source "$(dirname "$0")/suites.sh"

trap finish EXIT
part "packages" "$top/tests/lanes/packages.sh"
part "format, scripts, lints" "$top/tests/lanes/check.sh"
part "compile the tests" build_suites
part "the S3 store of the tests" "$cluster" build --alone minio
part "unit, golden and mock-API tests" cargo test --workspace --lib --bins
part "images" "$top/tests/lanes/images.sh"
export MARKETPLACE_SERVICE=$release/marketplace-service
part "Twilio's own libraries" "$top/tests/signers/install" judges
part "the model of speech" "$top/tests/lanes/model.sh"
MARKETPLACE_MODEL=$("$top/tests/lanes/model.sh")
export MARKETPLACE_MODEL
part "service suites" suites local::
part "build the cluster's programs" "$cluster" build
part "build the cluster's profiles" "$cluster" build all
if [[ $is_existing ]]; then
  part "images into the registry" "$cluster" load "$images"/marketplace-{operator,service}.tar
  # what needs an API server and pods, and neither the node's network nor profiles
  for suite in rules earlier workload upgrade; do
    part "cluster::$suite on the cluster that is there" suites "cluster::$suite::" "$cluster" exec --
  done
  exit 0
fi
part "two clusters side by side" "$top/tests/cluster/two"
part "the cluster proves itself" "$top/tests/cluster/check"
part "cluster up" node_is_up
part "chart" "$cluster" exec -- "$top/tests/lanes/chart.sh"
part "cluster suites before anything is added" suites bare:: "$cluster" exec --
part "cluster suites" suites cluster:: "$cluster" exec --
part "what the cluster suites left behind" suites afterwards:: "$cluster" exec --
part "cluster down" "$cluster" down
