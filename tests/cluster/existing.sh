#!/bin/bash
# CLUSTER=existing: the same commands for a cluster that is there already, the one of the current KUBECONFIG. Nothing of it is
# started, ended or built here. Images come from the registry IMAGE_PREFIX, to which `load` pushes them, unless
# IMAGE_PUSH=no says that they are there. Called by `cluster`.
set -euo pipefail
commands=$(cd "$(dirname "$0")/commands" && pwd)
say() { printf '%s\n' "$*" >&2; }
die() { say "cluster: $*"; exit 1; }
command=$1
shift

prefix=${IMAGE_PREFIX:-}
[[ $prefix ]] || die "CLUSTER=existing needs IMAGE_PREFIX, where the cluster pulls images from, such as registry.example.com/team."

load() { # ARCHIVE: docker.io/local/NAME:TAG in an OCI archive becomes IMAGE_PREFIX/NAME:TAG
  local storage name
  name=$(tar -xOf "$1" index.json | sed -nE 's#.*"org.opencontainers.image.ref.name":"docker.io/local/([^"]+)".*#\1#p')
  [[ $name ]] || die "$1 names no image"
  storage=$(mktemp -d)
  buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs pull --quiet "oci-archive:$1" >/dev/null
  buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs push --quiet "docker.io/local/$name" "docker://$prefix/$name"
  rm -rf "$storage"
}

case $command in
  build)
    # what suites without a cluster need is built all the same
    [[ ${1:-} != --alone ]] || exec "$commands/build.sh" "$@"
    ;;
  where) exec "$commands/where.sh" "$@" ;;
  up | down) ;;
  status) kubectl version >/dev/null || die "the API server of KUBECONFIG does not answer." ;;
  exec)
    [[ ${1:-} != -- ]] || shift
    exec "$@"
    ;;
  load)
    [[ ${IMAGE_PUSH:-yes} != no ]] || exit 0
    for archive in "$@"; do load "$archive"; done
    ;;
  *) die "'$command' is for the clusters that are made here: leave CLUSTER unset." ;;
esac
