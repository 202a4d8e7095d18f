#!/bin/bash
# exec -- CMD...: runs CMD in the node's network. Files, folder, input, output and exit code are the caller's.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/inside.sh"
[[ ${1:-} != -- ]] || shift
(($#)) || die "say what to run: cluster exec -- CMD..."
pid=$(need_supervisor) || exit 1
inside "/proc/$pid/ns/net" "$@"
