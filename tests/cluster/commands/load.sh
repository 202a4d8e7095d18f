#!/bin/bash
# load ARCHIVE...: gives the node the images of OCI archives, under the names that the archives hold.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
(($#)) || die "say which archives: cluster load ARCHIVE..."
pid=$(need_supervisor) || exit 1
for archive in "$@"; do
  [[ -r $archive ]] || die "cannot read the archive $archive."
  output=$(nsenter --target "$pid" --mount --net --pid="/proc/$pid/ns/pid_for_children" -- \
    /run/cluster/bin/ctr --address /run/cluster/containerd.sock --namespace k8s.io images import - <"$archive" 2>&1) ||
    die "could not load $archive: $output"
done
