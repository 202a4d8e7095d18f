#!/bin/bash
# logs [NAME]: the last lines of every log of the node, or the whole of one. logs audit: the API server's record of changes, JSON lines.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
[[ -d $state/log ]] || die "there is no cluster '$name', so it has no logs."
case ${1:-} in
  '') tail -n 20 "$state"/log/*.log ;;
  audit) cat "$state/log/audit.jsonl" ;;
  *)
    [[ $1 =~ ^[a-z-]+$ && -f $state/log/$1.log ]] || die "no log '$1'; there are: audit $(cd "$state/log" && printf '%s ' *.log | sed 's/\.log//g')"
    cat "$state/log/$1.log"
    ;;
esac
