#!/bin/bash
# status: exit code 0 when the cluster is ready, 1 when it is not there, 2 when it is starting or ailing.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
pid=$(supervisor) || { say "cluster '$name' is not running"; exit 1; }
reached=$(tail -n 1 "$state/reached" 2>/dev/null)
if [[ $reached != ready ]]; then
  say "cluster '$name' is not ready; reached: ${reached:-nothing yet}"
  exit 2
fi
if [[ -e $state/ended ]]; then
  say "cluster '$name' ails: $(paste -sd, "$state/ended"); see cluster logs"
  exit 2
fi
say "cluster '$name' is ready (process $pid, files in $state)"
