# shellcheck shell=bash
# What the recipes of profiles share. A built profile is a folder of `images/` (OCI archives), `definitions/` (resource
# definitions, applied first) and `manifests/`; each of them may be absent. Needs lib/go.sh.

# An image docker.io/local/NAME:1 FROM scratch of the folder $out/NAME, by the profile's Containerfile.NAME; the folder goes.
profile_image() { # PROFILE NAME
  mkdir -p "$out/images"
  "$here/image.sh" "$2:1" "$here/profiles/$1/Containerfile.$2" "$out/$2" "$out/images/$2.tar"
  rm -rf "${out:?}/$2"
}

# Moves the built program $out/NAME into a folder of that name, for its image.
profile_program() { # NAME
  mv "$out/$1" "$out/program"
  mkdir "$out/$1"
  mv "$out/program" "$out/$1/$1"
}

# Kustomizes a module's own manifests, which stand in $out/upstream, by the profile's kustomization.
profile_manifests() { # PROFILE
  mkdir -p "$out/manifests"
  cp "$here/profiles/$1/kustomization.yaml" "$out/"
  "$(place_of kubernetes)/kubectl" kustomize "$out" >"$out/manifests/$1.yaml"
  rm -rf "$out/upstream" "$out/kustomization.yaml"
}

# Copies files of this machine, and the libraries they are linked with, below ROOT at the same paths.
copy_with_libraries() { # ROOT FILE...
  local root=$1 file
  shift
  mkdir -p "$root"
  while read -r file; do
    cp --parents --dereference "$file" "$root"
  done < <(printf '%s\n' "$@"; ldd "$@" 2>/dev/null | grep -oE '(=> |^[[:space:]]+)/[^ :]+' | grep -oE '/.*') 
}
