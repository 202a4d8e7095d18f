# shellcheck shell=bash
# Which programs there are, and where each of them is kept once built. Needs lib/common.sh and lib/go.sh.

# Kubernetes first: what the others share with it is then compiled already.
list_programs() {
  printf 'kubernetes\n'
  cd "$here/programs" || return
  printf '%s\n' */ | sed 's#/$##' | grep -vx kubernetes
}

# <cache>/cluster/<program>-<version>-<hash of all that its recipe says it is made of>
place_of() (
  source "$here/programs/$1/recipe.sh"
  cd "$here/programs" || return
  hash=$(find "$1" "${covers[@]}" -type f -print0 | sort -zu | xargs -0 sha256sum | sha256sum)
  printf '%s/%s-%s-%.12s\n' "$programs" "$1" "$version" "$hash"
)
