#!/bin/bash
# Builds an image into an OCI archive that names itself docker.io/local/NAME:TAG: image.sh NAME:TAG CONTAINERFILE CONTEXT OUT.tar
# No daemon, no registry, nothing left behind: buildah's storage lives in a folder that ends with this script.
set -euo pipefail
(($# == 4)) || { echo "usage: image.sh NAME:TAG CONTAINERFILE CONTEXT OUT.tar" >&2; exit 2; }
image=docker.io/local/$1 containerfile=$2 context=$3 archive=$4
command -v buildah >/dev/null || { echo "image.sh: buildah is missing: run tests/cluster/packages.sh" >&2; exit 1; }

storage=$(mktemp -d)
trap 'rm -rf "$storage"' EXIT
export TMPDIR=$storage
in_storage() { buildah --root "$storage/root" --runroot "$storage/run" --storage-driver vfs "$@"; }

in_storage bud --quiet --isolation chroot --tag "$image" --file "$containerfile" "$context" >&2
rm -f "$archive"
in_storage push --quiet "$image" "oci-archive:$archive:$image"
