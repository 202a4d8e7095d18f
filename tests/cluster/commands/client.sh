#!/bin/bash
# client ADDRESS -- CMD...: runs CMD on a machine of its own (a network namespace) that has this address and is joined to the node
# by a cable (a veth pair); its way to pods and Services leads through the node. Made once per address; it goes with the cluster.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/inside.sh"

join() { # ADDRESS NAMESPACE
  local cable
  # shellcheck disable=SC2046,SC2086 # the four numbers of the address
  cable=client$(printf %02x $(tr . ' ' <<<$1)) # at most 15 letters
  node ip netns delete "$2" 2>/dev/null || true # what an interrupted call left
  node ip netns add "$2"
  node ip link add "$cable" type veth peer name eth0 netns "$2"
  node ip link set "$cable" up
  node ip route replace "$1/32" dev "$cable"
  node ip -n "$2" address add "$1/32" dev eth0
  node ip -n "$2" link set lo up
  node ip -n "$2" link set eth0 up
  node ip -n "$2" route add 192.0.2.1 dev eth0 src "$1"
  node ip -n "$2" route add default via 192.0.2.1 src "$1"
  : >"$state/client-$1"
}

node() { nsenter --target "$pid" --mount --net --pid="/proc/$pid/ns/pid_for_children" -- "$@"; }

address=${1:-}
[[ $address =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$ ]] || die "say the client's IPv4 address: cluster client 203.0.113.7 -- CMD..."
case $address in
  10.96.* | 10.244.* | 127.* | 192.0.2.*) die "$address belongs to the cluster: take another, such as 203.0.113.7." ;;
esac
shift
[[ ${1:-} != -- ]] || shift
(($#)) || die "say what to run: cluster client $address -- CMD..."
pid=$(need_supervisor) || exit 1
network=/proc/$pid/root/run/netns/client-$address
exec 9<"$state"
flock 9
[[ -e $state/client-$address ]] || join "$address" "client-$address"
exec 9<&-
inside "$network" "$@"
