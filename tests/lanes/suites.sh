# shellcheck shell=bash
# How a lane compiles and runs the suites. Sourced after environment.sh, never run.

suites() { # FILTER [CMD...]: runs the test binary, through CMD when given
  local filter=$1
  shift
  "$@" "$(cat "$CARGO_TARGET_DIR/suites")" "$filter" --test-threads 4
}

build_suites() {
  cargo test --workspace --no-run --message-format=json-render-diagnostics |
    sed -n 's/.*"name":"suites".*"executable":"\([^"]*\)".*/\1/p' | tail -n 1 >"$CARGO_TARGET_DIR/suites"
  [[ -x $(cat "$CARGO_TARGET_DIR/suites") ]]
}
