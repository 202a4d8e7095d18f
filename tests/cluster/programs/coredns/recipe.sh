# shellcheck shell=bash
# CoreDNS, as the image docker.io/local/coredns:1.
version=$(pin github.com/coredns/coredns)
covers=(go.mod go.sum coredns ../image.sh)

make() {
  go_build . '' ./coredns
  "$here/image.sh" coredns:1 "$here/programs/coredns/Containerfile" "$out" "$out/coredns.tar"
  rm "$out/coredns"
}
