# shellcheck shell=bash
# Calico's policy agent (felix) and CNI plugin, one binary, two names, and its resource definitions.
# The module's only usable version is a commit of release 3.28, on an older Kubernetes: hence its own go.mod, which repeats
# Calico's replaces (they do not carry over from a dependency), names its nested api module by version, and pins
# hcsshim to a version that can be fetched (only Windows code imports it). felix drives iptables through nf_tables.
module=github.com/projectcalico/calico
version=3.28
covers=(calico)

make() {
  local source
  go_build calico "-X $module/felix/buildinfo.GitVersion=v$version" .
  ln -s calico "$out/calico-felix"
  source=$(cd "$here/programs/calico" && go list -m -f '{{.Dir}}' $module)
  install -D -m 644 -t "$out/calico-crds" "$source"/libcalico-go/config/crd/*.yaml
}
