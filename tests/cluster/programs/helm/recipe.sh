# shellcheck shell=bash
# Helm: installs, lints and renders charts.
version=$(pin helm.sh/helm/v4)
covers=(go.mod go.sum helm)

make() {
  go_build . "-X helm.sh/helm/v4/internal/version.version=v$version" helm.sh/helm/v4/cmd/helm
}
