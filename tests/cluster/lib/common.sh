# shellcheck shell=bash
# The names and places that every command shares. Sourced, never run; `here` is tests/cluster.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

name=${CLUSTER_NAME:-marketplace}
cache=${MARKETPLACE_CACHE:-${HOME:-/root}/.cache/marketplace-operator}
programs=$cache/cluster                # a folder per built program
state=$cache/cluster-run/$name         # everything a running cluster writes; `down` removes it
cgroup=marketplace-cluster-$name       # the node's control group, in every hierarchy
marker=MARKETPLACE_CLUSTER=$state      # in the environment of every process a cluster started

say() { printf '%s\n' "$*" >&2; }
die() { say "cluster: $*"; exit 1; }

[[ $name =~ ^[a-z][a-z0-9-]{0,30}$ ]] ||
  die "CLUSTER_NAME=$name: use small letters, digits and dashes, beginning with a letter, at most 31."

# The process that holds the namespaces, if it lives. Its number alone proves nothing (numbers are used again): the marker does.
supervisor() {
  local pid
  pid=$(cat "$state/supervisor.pid" 2>/dev/null) || return 1
  grep -qzxF "$marker" "/proc/$pid/environ" 2>/dev/null || return 1
  [[ $(readlink "/proc/$pid/ns/net") != $(readlink /proc/1/ns/net) ]] || return 1
  printf '%s\n' "$pid"
}

need_supervisor() {
  supervisor || die "the cluster '$name' is not running: start it with tests/cluster/cluster up."
}

# Up and down of any cluster take turns. The lock is the folder itself, so that it leaves no file.
take_turn() {
  mkdir -p "$programs"
  exec 9<"$programs"
  flock 9
}
