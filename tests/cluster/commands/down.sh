#!/bin/bash
# Ends the cluster and removes all that it left: processes, namespaces and mounts (they go with the processes), control groups, files.
# Does the same after an `up` that failed or was killed, and nothing when there is nothing.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/cgroups.sh"
source "$here/lib/processes.sh"

remove_state() {
  # nothing of the node is mounted outside its own namespace; should it ever be, its files are not ours to remove
  rm -rf --one-file-system "$state"
  rmdir "$(dirname "$state")" 2>/dev/null || true
}

((EUID == 0)) || die "ending a cluster needs root: run this as root."
take_turn
kill_processes
kill_cgroups
wait_for_namespace
for ((attempt = 0; attempt < 100; attempt++)); do
  remove_cgroups && break
  sleep 0.1
done
remove_cgroups || die "these control groups do not go: $(list_cgroups | tr '\n' ' ')"
remove_state
