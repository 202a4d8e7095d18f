#!/bin/bash
# Builds the two programs, statically linked, and an image FROM scratch of each, as OCI archives in the cache.
source "$(dirname "$0")/environment.sh"

cargo build --release --workspace --bins
mkdir -p "$images"
for program in operator service; do
  binary=$release/marketplace-$program archive=$images/marketplace-$program.tar
  # an image is made again only when its program, its recipe or the certificates it carries are newer
  if [[ ! -e $archive || $binary -nt $archive || $top/$program/Containerfile -nt $archive || /etc/ssl/certs/ca-certificates.crt -nt $archive ]]; then
    context=$(mktemp -d)
    cp "$binary" /etc/ssl/certs/ca-certificates.crt "$context/"
    "$top/tests/cluster/image.sh" "marketplace-$program:dev" "$top/$program/Containerfile" "$context" "$archive"
    rm -rf "$context"
  fi
  say "$archive: $(du -h "$binary" | cut -f1) program"
done
