#!/bin/bash
# Builds the two programs, statically linked, and an image FROM scratch of each, as OCI archives in the cache; and of the
# service a second one, which has the model of speech beside it.
source "$(dirname "$0")/environment.sh"

cargo build --release --workspace --bins
mkdir -p "$images"
certificates=/etc/ssl/certs/ca-certificates.crt
model=$("$top/tests/lanes/model.sh")
for image in operator service service-speech; do
  program=${image%-speech}
  binary=$release/marketplace-$program archive=$images/marketplace-$image.tar recipe=$top/$program/Containerfile${image#"$program"}
  contents=("$binary" "$certificates")
  [[ $image != *-speech ]] || contents+=("$model"/*)
  # an image is made again only when something in it is another; by content, because checkouts share the cache
  made_of=$(cat "${contents[@]}" "$recipe" | sha256sum)
  if [[ ! -e $archive || $(cat "$archive.made-of" 2>/dev/null) != "$made_of" ]]; then
    context=$(mktemp -d)
    cp "${contents[@]}" "$context/"
    rm -f "$archive.made-of"
    "$top/tests/cluster/image.sh" "marketplace-$image:dev" "$recipe" "$context" "$archive"
    printf '%s\n' "$made_of" >"$archive.made-of"
    rm -rf "$context"
  fi
  say "$archive: $(du -h "$binary" | cut -f1) program"
done
