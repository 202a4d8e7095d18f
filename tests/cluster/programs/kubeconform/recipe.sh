# shellcheck shell=bash
# kubeconform: checks rendered charts against schemas.
version=$(pin github.com/yannh/kubeconform)
covers=(go.mod go.sum kubeconform)

make() {
  go_build . "-X main.version=v$version" github.com/yannh/kubeconform/cmd/kubeconform
}
