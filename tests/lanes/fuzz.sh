#!/bin/bash
# Fuzzes every target for SOAK_FUZZ_SECONDS each (600 by default), from the kept corpus on. An input that does harm is left in
# fuzz/artifacts and fails the lane; add it to fuzz/corpus with its fix.
source "$(dirname "$0")/environment.sh"
need c++ "apt-get install g++"

seconds=${SOAK_FUZZ_SECONDS:-600}
# What libFuzzer needs of the compiler; all of it stable, and none of it for the product. Not static: libFuzzer is C++.
unset "$flags"
export RUSTFLAGS="--cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
-C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
-C llvm-args=-sanitizer-coverage-trace-compares -C codegen-units=1"
export CARGO_TARGET_DIR=$MARKETPLACE_CACHE/fuzz
cargo build --release --locked --manifest-path fuzz/Cargo.toml
mkdir -p fuzz/artifacts

fuzz() { # TARGET: what it says comes when it ends, not mixed with that of another
  local target=$1 found=$MARKETPLACE_CACHE/fuzz-corpus/$1 code=0 said
  mkdir -p "$found"
  said=$(FUZZ_TARGET=$target "$CARGO_TARGET_DIR/$triple/release/marketplace-fuzz" "$found" "fuzz/corpus/$target" \
    -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$target-" -verbosity=0 2>&1) || code=$?
  printf '\n-- %s\n%s\n' "$target" "$said"
  return "$code"
}

fuzz_all() { # as many at one time as there are processors
  local targets=(fuzz/corpus/*)
  say "${#targets[@]} targets, $seconds s each, $(nproc) at one time"
  # shellcheck disable=SC2016  # the shell that xargs starts expands it
  printf '%s\0' "${targets[@]##*/}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'fuzz "$1"' fuzz
}

export -f fuzz
export seconds triple
part "fuzz" fuzz_all
times
