# shellcheck shell=bash
# The little server and client of tests/cluster/check, as the image docker.io/local/probe:1 and as a program.
version=1
covers=(probe ../image.sh)

make() {
  go_build . '' ./probe
  "$here/image.sh" probe:1 "$here/programs/probe/Containerfile" "$out" "$out/probe.tar"
}
