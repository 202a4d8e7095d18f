# shellcheck shell=bash
# Debian's Prometheus and what it is linked with, in an image, and the small program that finds its pods in another.
version=$(dpkg-query -W -f '${Version}' prometheus 2>/dev/null || true)
covers=(prometheus ../lib/profile.sh ../image.sh)

make() {
  copy_with_libraries "$out/prometheus/root" /usr/bin/prometheus
  profile_image prometheus prometheus
  go_build ../profiles '' ./prometheus/discovery
  profile_program discovery
  profile_image prometheus discovery
  install -D -m 644 -t "$out/manifests" "$here/profiles/prometheus/prometheus.yaml"
}
