#!/bin/bash
# Builds the two programs, statically linked, and an image FROM scratch of each, as OCI archives in the cache.
source "$(dirname "$0")/environment.sh"

cargo build --release --workspace --bins
mkdir -p "$images"
certificates=/etc/ssl/certs/ca-certificates.crt
for program in operator service; do
  binary=$release/marketplace-$program archive=$images/marketplace-$program.tar recipe=$top/$program/Containerfile
  # an image is made again only when something in it is another; by content, because checkouts share the cache
  made_of=$(cat "$binary" "$recipe" $certificates | sha256sum)
  if [[ ! -e $archive || $(cat "$archive.made-of" 2>/dev/null) != "$made_of" ]]; then
    context=$(mktemp -d)
    cp "$binary" $certificates "$context/"
    rm -f "$archive.made-of"
    "$top/tests/cluster/image.sh" "marketplace-$program:dev" "$recipe" "$context" "$archive"
    printf '%s\n' "$made_of" >"$archive.made-of"
    rm -rf "$context"
  fi
  say "$archive: $(du -h "$binary" | cut -f1) program"
done
