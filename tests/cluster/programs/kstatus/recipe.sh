# shellcheck shell=bash
# kstatus: the verdict of the library by which Helm, Flux and kpt wait. It has a go.mod of its own, so that no other program is built anew for it.
version=$(pin sigs.k8s.io/cli-utils kstatus)
covers=(kstatus)

make() {
  go_build kstatus '' .
}
