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

for corpus in fuzz/corpus/*; do
  target=$(basename "$corpus")
  found=$MARKETPLACE_CACHE/fuzz-corpus/$target
  mkdir -p "$found"
  FUZZ_TARGET=$target part "fuzz $target" "$CARGO_TARGET_DIR/$triple/release/marketplace-fuzz" "$found" "$corpus" \
    -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="fuzz/artifacts/$target-" -verbosity=0
done
times
