#!/bin/bash
# Starts the cluster and waits until its node and its DNS are ready; what fails is shown, and taken down again.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/preflight.sh"
source "$here/lib/go.sh"
source "$here/lib/programs.sh"
source "$here/lib/cgroups.sh"
started=$(date +%s%N)

seconds() { printf '%d.%d' $((($(date +%s%N) - started) / 1000000000)) $((($(date +%s%N) - started) / 100000000 % 10)); }

find_programs() {
  local program place
  while read -r program; do
    place=$(place_of "$program")
    [[ -e $place ]] || die "$program is not built: run tests/cluster/cluster build."
    printf '%s\n' "$place"
  done <<<"$(list_programs)"
}

prepare_state() {
  mkdir -p "$state"/{pki,log,pod-logs,volumes/{1..15}}
  cp -r "$here/node" "$state/node"
  printf 'cgroupRoot: /%s\n' "$cgroup" >>"$state/node/config/kubelet.yaml"
  : >"$state/resolv.conf"
  : >"$state/reached"
  printf '%s\n' "$@" >"$state/programs"
  make_cgroups
}

# The process writes its own number before it makes the namespaces and lets go of the lock: `down` finds it at any moment.
start_supervisor() {
  local environment=(env -i "$marker" "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root)
  # shellcheck disable=SC2016 # for the inner shell
  setsid "${environment[@]}" bash -c 'set -e; echo $$ >"$1/supervisor.pid"; shift; exec 9<&-; exec "$@"' start "$state" \
    unshare --mount --net --pid --fork --kill-child --mount-proc "$state/node/supervisor" "$state" "$programs" "$@" \
    >"$state/log/supervisor.log" 2>&1 </dev/null &
  child=$!
  exec 9<&-
}

wait_until_ready() {
  local shown=0 line deadline=$((SECONDS + 180))
  while sleep 0.1; do
    ((SECONDS < deadline)) || { say "cluster: it is not ready after 180 s"; return 1; }
    while read -r line; do
      case $line in
        ready) return 0 ;;
        failed:*) say "cluster: ${line#failed: }"; return 1 ;;
        *) say "  $line ... $(seconds) s" ;;
      esac
      shown=$((shown + 1))
    done < <(tail -n "+$((shown + 1))" "$state/reached" 2>/dev/null)
    kill -0 "$child" 2>/dev/null || { say "cluster: it was ended while it started"; return 1; }
  done
}

give_up() {
  trap - EXIT
  tail -n 5 "$state"/log/*.log >&2 2>/dev/null || true
  say "cluster: could not start '$name'; taking it down (its logs are above)"
  exec "$here/commands/down.sh"
}

require_up
found=$(find_programs)
mapfile -t places <<<"$found"
take_turn
if supervisor >/dev/null; then
  die "the cluster '$name' is running already: use it, or run tests/cluster/cluster down first."
fi
if [[ -e $state ]]; then
  say "cluster: cleaning up what an earlier '$name' left"
  exec 9<&- # down takes its own turn
  "$here/commands/down.sh"
  take_turn
  [[ ! -e $state ]] || die "another 'up' of '$name' came between: use that one."
fi
trap 'exit 130' INT TERM
trap 'give_up' EXIT
prepare_state "${places[@]}"
start_supervisor "${places[@]}"
wait_until_ready || exit 1
trap - EXIT
disown "$child"
say "cluster '$name' is ready after $(seconds) s"
