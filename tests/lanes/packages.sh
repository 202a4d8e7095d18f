#!/bin/bash
# Installs from Debian what building and testing need and the machine lacks; the cluster's own list is in tests/cluster.
set -euo pipefail
packages=(build-essential ca-certificates curl default-jdk-headless git maven nginx-light nodejs npm pgbouncer postgresql-15 python3 python3-venv shellcheck sox lame espeak-ng)
commands=(cc update-ca-certificates curl javac git mvn /usr/sbin/nginx node npm /usr/sbin/pgbouncer /usr/lib/postgresql/15/bin/initdb python3 python3 shellcheck sox lame espeak-ng)

missing=()
for index in "${!packages[@]}"; do
  command -v "${commands[index]}" >/dev/null || missing+=("${packages[index]}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if ((${#missing[@]})); then
  ((EUID == 0)) || { echo "missing: ${missing[*]}; run this as root, or install them" >&2; exit 1; }
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
"$(dirname "$0")/../cluster/packages.sh"
