# shellcheck shell=bash
# containerd, its shim for Debian's runc, and ctr (which imports images). 2.3 is the line on the k8s.io version of Kubernetes 1.36.
version=$(pin github.com/containerd/containerd/v2)
covers=(go.mod go.sum containerd)

make() {
  local module=github.com/containerd/containerd/v2
  go_build . "-X $module/version.Version=$version" $module/cmd/{containerd,containerd-shim-runc-v2,ctr}
}
