# shellcheck shell=bash
# Kubernetes (API server, controller manager, scheduler, kubelet, proxy, kubectl) and etcd: one binary, a link per program.
# Its own go.mod replaces each staging module by a folder that the module zip lacks; the published v0.X.Y is the same code,
# hence the replaces in programs/go.mod: on a new version, change them and run `go mod tidy`.
version=$(pin k8s.io/kubernetes)
covers=(go.mod go.sum kubernetes)

make() {
  local at=k8s.io/component-base/version minor=${version#*.} program
  go_build . "-X $at.gitVersion=v$version -X $at.gitMajor=1 -X $at.gitMinor=${minor%%.*} -X $at.gitTreeState=clean" ./kubernetes
  for program in etcd kubectl kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do
    ln -s kubernetes "$out/$program"
  done
}
