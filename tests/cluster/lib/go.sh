# shellcheck shell=bash
# How a Go program is built: from the committed go.mod and go.sum alone, with the caches outside the checkout.
# Sourced by commands/build.sh for the recipes; `out` is the folder to fill. Every FOLDER has a go.mod and is named from programs/.
export GOMODCACHE=$cache/go/mod GOCACHE=$cache/go/build
export CGO_ENABLED=0 GOWORK=off GOFLAGS='-mod=readonly -modcacherw -buildvcs=false -trimpath'

# The version that a go.mod of programs/ pins: pin MODULE [FOLDER]
pin() {
  sed -nE "s#^(require)?[[:space:]]+$1 v([^ ]+).*#\2#p" "$here/programs/${2:-.}/go.mod" | head -n 1
}

# Where the source of a module is, fetched if it is not there: module_folder FOLDER MODULE
module_folder() {
  (cd "$here/programs/$1" && go mod download "$2" && go list -m -f '{{.Dir}}' "$2")
}

# go_build FOLDER LDFLAGS PACKAGE...
go_build() {
  local folder=$1 ldflags=$2
  shift 2
  (cd "$here/programs/$folder" && nice -n 10 go build -ldflags "-s -w $ldflags" -o "$out/" "$@")
}
