# shellcheck shell=bash
# Building a program without the parts of it that no test uses: a module's source is copied, the recipe takes files away, and
# a go.mod beside the copy reads it in place of the module. Called by recipes. Needs lib/go.sh.

# Copies a module that FOLDER's go.mod pins, writable, to $out/scratch/source.
copy_module() { # FOLDER MODULE
  local source
  source=$(module_folder "$1" "$2")
  mkdir -p "$out/scratch"
  cp -r --no-preserve=mode "$source" "$out/scratch/source"
  cp "$here/programs/$1"/go.{mod,sum} "$out/scratch/"
  (cd "$out/scratch" && GOFLAGS='' go mod edit -replace "$2=$out/scratch/source" go.mod)
}

# As go_build, with the copy in place of the module. The copy is gone afterwards.
build_with_copy() { # FOLDER LDFLAGS PACKAGE...
  GOFLAGS="$GOFLAGS -modfile=$out/scratch/go.mod" go_build "$@"
  rm -rf "$out/scratch"
}
