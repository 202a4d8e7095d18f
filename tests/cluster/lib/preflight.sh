# shellcheck shell=bash
# What a machine must have, asked before anything is started. Each lack is one sentence that says what to do.

require_build() {
  local wanted found
  wanted=$(sed -n 's/^go //p' "$here/programs/go.mod")
  command -v go >/dev/null || die "Go is missing: install Go $wanted or newer and put it on the PATH."
  found=$(cd / && go env GOVERSION)
  [[ $(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1) == "$wanted" || $(go env GOTOOLCHAIN) != local ]] ||
    die "$found is too old: install Go $wanted or newer."
  "$here/packages.sh" || die "the Debian packages could not be installed: see the lines above."
}

require_up() {
  ((EUID == 0)) || die "a real kubelet needs root: run this as root (or with sudo -E)."
  require_commands
  require_cgroups
  require_namespaces
  require_overlay
}

require_commands() {
  local command missing=()
  for command in runc ip iptables-nft ipset nft conntrack openssl curl nsenter unshare flock; do
    command -v "$command" >/dev/null || missing+=("$command")
  done
  [[ -x /usr/lib/cni/host-local ]] || missing+=(containernetworking-plugins)
  ((${#missing[@]} == 0)) || die "missing: ${missing[*]}: run tests/cluster/packages.sh."
}

require_cgroups() {
  local controller
  for controller in cpu cpuset memory pids; do
    grep -qsw "$controller" /sys/fs/cgroup/cgroup.controllers || [[ -d /sys/fs/cgroup/$controller ]] ||
      die "the control group controller '$controller' is not there: boot with it, or mount it below /sys/fs/cgroup."
  done
  [[ -w /sys/fs/cgroup ]] || die "/sys/fs/cgroup is read-only: in a container, run it with --privileged."
}

require_namespaces() {
  unshare --mount --pid --net --fork --mount-proc true 2>/dev/null ||
    die "the kernel refuses new namespaces: in a container, run it with --privileged."
  unshare --net sh -c 'ip link add probe0 type bridge && ip link add probe1 type veth peer name probe2' 2>/dev/null ||
    die "the kernel has no bridge or veth interfaces: load the modules bridge and veth."
  unshare --net nft add table ip probe 2>/dev/null ||
    die "the kernel has no nf_tables: load the module nf_tables."
}

# Tried on the very disk that images will be unpacked on: an overlay on an overlay is refused.
require_overlay() {
  local folder code=0
  mkdir -p "$cache"
  folder=$(mktemp -d "$cache/.overlay-XXXXXX")
  mkdir "$folder"/{lower,upper,work,merged}
  unshare --mount mount -t overlay -o "lowerdir=$folder/lower,upperdir=$folder/upper,workdir=$folder/work" probe "$folder/merged" 2>/dev/null || code=1
  rm -rf "$folder"
  ((code == 0)) || die "no overlayfs on the disk of $cache: set MARKETPLACE_CACHE to a folder on an ordinary disk (ext4, xfs), or load the module overlay."
}
