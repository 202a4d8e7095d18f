# shellcheck shell=bash
# What every lane shares: where things are kept, and one set of flags for every cargo command, because another set would
# compile every dependency again. Sourced, never run.
# shellcheck disable=SC2034  # the lanes use what is set here
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"

need() { # PROGRAM WHERE-FROM
  command -v "$1" >/dev/null || { printf '%s is missing: %s\n' "$1" "$2" >&2; exit 1; }
}
need cargo "install Rust 1.94 or newer (rustup.rs)"
need go "install Go 1.26.8 or newer (go.dev/dl)"

export MARKETPLACE_CACHE=${MARKETPLACE_CACHE:-$HOME/.cache/marketplace-operator}
triple=$(rustc -vV | sed -n 's/^host: //p')
compiler=$(rustc -V | cut -d' ' -f2)
export CARGO_TARGET_DIR=$MARKETPLACE_CACHE/target/$compiler
export CARGO_BUILD_TARGET=$triple
# static, so that the very programs that were tested run in an image made FROM scratch
flags=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$triple")_RUSTFLAGS
export "$flags=-C target-feature=+crt-static"
[[ -z ${CI:-} ]] || export CARGO_INCREMENTAL=0

# cargo tells the sources of two checkouts apart by their times alone: what another checkout built of ours is removed,
# what it built of our dependencies stays
if [[ $(cat "$CARGO_TARGET_DIR/checkout" 2>/dev/null) != "$top" ]]; then
  mkdir -p "$CARGO_TARGET_DIR"
  rm -rf "$CARGO_TARGET_DIR/$triple"/{debug,release}/.fingerprint/marketplace-*
  printf '%s\n' "$top" >"$CARGO_TARGET_DIR/checkout"
fi

images=$MARKETPLACE_CACHE/images
release=$CARGO_TARGET_DIR/$triple/release
cluster=$top/tests/cluster/cluster

# where the cluster finds our images: those that are made here are given them
prefix=${IMAGE_PREFIX:-docker.io/local}
[[ ${CLUSTER:-} == existing ]] && is_existing=yes || is_existing=

say() { printf '%s\n' "$*"; }

# Runs one part of a lane under a headline, and keeps its wall time for `times`.
parts=()
part() { # NAME CMD...
  local name=$1 started=$SECONDS
  shift
  printf '\n== %s\n' "$name"
  "$@"
  parts+=("$(printf '%5d s  %s' $((SECONDS - started)) "$name")")
}

times() {
  printf '\n== wall time, part by part\n'
  printf '%s\n' "${parts[@]}"
  printf '%5d s  in all\n' "$SECONDS"
}
