#!/bin/bash
# Installs from Debian what the cluster needs, if it is missing. No daemon is started: the cluster runs its own programs in its own namespaces.
set -euo pipefail
packages=(runc buildah containernetworking-plugins iproute2 iptables ipset nftables conntrack openssl ca-certificates curl procps util-linux
  prometheus postgresql-15)
# Of the last two only the programs are used, in images of their own: see profiles/.

missing=()
for package in "${packages[@]}"; do
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0
((EUID == 0)) || { echo "packages.sh: ${missing[*]} missing: run this as root." >&2; exit 1; }
command -v apt-get >/dev/null || { echo "packages.sh: ${missing[*]} missing: install them (this machine has no apt-get)." >&2; exit 1; }

# Debian asks this program before it starts a daemon; 101 means no.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends "${missing[@]}"
