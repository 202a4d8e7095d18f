#!/bin/bash
# build [PROFILE...|all]: builds every program of programs/ that is not in the cache yet, and those profiles; with --alone those profiles and nothing else. A program is finished in a folder of its own and then
# moved to its place, so that an interrupted build goes on where it was and a half-built program is never used.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/preflight.sh"
source "$here/lib/go.sh"
source "$here/lib/programs.sh"
source "$here/lib/trim.sh"
source "$here/lib/profile.sh"

build() {  # NAME NUMBER COUNT
  local place log started=$SECONDS version folder
  local -a covers
  folder=$(folder_of "$1")
  place=$(place_of "$1")
  log=$programs/$1.log
  source "$folder/$1/recipe.sh"
  if [[ -e $place ]]; then
    say "[$2/$3] $1 $version is built"
    return
  fi
  out=$(mktemp -d "$programs/.building-XXXXXX")
  make_or_die "$1 $version" "$log"
  chmod 755 "$out"
  mv -T "$out" "$place"
  say "[$2/$3] $1 $version ... $((SECONDS - started)) s"
}

make_or_die() {  # WHAT LOG
  local code=0
  # not as a condition: bash would then go on after a failed line of `make`
  set +e
  (set -e; make) >"$2" 2>&1 </dev/null 8<&- # what an interrupted build leaves running must not hold the turn
  code=$?
  set -e
  ((code == 0)) && return
  tail -n 20 "$2" >&2
  die "building $1 failed; all of its output: $2"
}

alone=
if [[ ${1:-} == --alone ]]; then
  alone=yes
  shift
fi
wanted=("$@")
if [[ ${1:-} == all ]]; then mapfile -t wanted < <(list_profiles); fi
for profile in "${wanted[@]}"; do need_profile "$profile"; done
require_build
mkdir -p "$programs" "$cache/go"
exec 8<"$cache/go" # one build at a time; the others then find the work done
flock 8
trap 'rm -rf "$programs"/.building-*' EXIT
rm -rf "$programs"/.building-*
mapfile -t all < <([[ $alone ]] || list_programs)
all+=("${wanted[@]}")
number=0
for program in "${all[@]}"; do
  build "$program" $((++number)) "${#all[@]}"
done
