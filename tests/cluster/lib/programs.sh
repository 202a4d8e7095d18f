# shellcheck shell=bash
# Which programs and profiles there are, and where each of them is kept once built. Needs lib/common.sh and lib/go.sh.

# Kubernetes first: what the others share with it is then compiled already.
list_programs() {
  printf 'kubernetes\n'
  cd "$here/programs" || return
  printf '%s\n' */ | sed 's#/$##' | grep -vx kubernetes
}

# What a cluster can be given once it runs.
list_profiles() {
  cd "$here/profiles" || return
  printf '%s\n' */recipe.sh | sed 's#/recipe.sh$##'
}

need_profile() { # NAME
  [[ $1 =~ ^[a-z-]+$ && -e $here/profiles/$1/recipe.sh ]] ||
    die "there is no profile '$1'; there are: $(list_profiles | paste -sd' ')"
}

# Whether it is a program of the node or a profile: the two share one shelf, and no name is in both.
folder_of() {
  if [[ -e $here/profiles/$1/recipe.sh ]]; then printf '%s\n' "$here/profiles"; else printf '%s\n' "$here/programs"; fi
}

# <cache>/cluster/<program>-<version>-<hash of all that its recipe says it is made of>
place_of() (
  folder=$(folder_of "$1")
  source "$folder/$1/recipe.sh"
  cd "$folder" || return
  hash=$(find "$1" "${covers[@]}" -type f -print0 | sort -zu | xargs -0 sha256sum | sha256sum)
  printf '%s/%s-%s-%.12s\n' "$programs" "$1" "$version" "$hash"
)
