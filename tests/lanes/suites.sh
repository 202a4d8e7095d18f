# shellcheck shell=bash
# How a lane compiles and runs the suites, and the cluster that some of them run in. Sourced after environment.sh, never run.
# shellcheck disable=SC2154  # environment.sh has set what is used here

suites() { # FILTER [CMD...]: runs the test binary, through CMD when given
  local filter=$1
  shift
  "$@" "$(cat "$CARGO_TARGET_DIR/suites")" "$filter" --test-threads "${SUITE_THREADS:-4}"
}

build_suites() {
  cargo test --workspace --no-run --message-format=json-render-diagnostics |
    sed -n 's/.*"name":"suites".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1 >"$CARGO_TARGET_DIR/suites"
  [[ -x $(cat "$CARGO_TARGET_DIR/suites") ]]
}

node_is_up() {
  "$cluster" down
  "$cluster" up
  "$cluster" load "$images"/marketplace-{operator,service,service-speech}.tar
}

finish() { # for the trap of the lane: no cluster is left, and the times are told
  local code=$?
  "$cluster" down || true
  times
  exit "$code"
}
