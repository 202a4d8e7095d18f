#!/bin/bash
# where NAME: the folder in which a program or a profile is once it is built; fails with a sentence while it is not.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/go.sh"
source "$here/lib/programs.sh"

(($# == 1)) && [[ $1 =~ ^[a-z-]+$ && -e $(folder_of "$1")/$1/recipe.sh ]] || die "say which program or profile: cluster where NAME"
place=$(place_of "$1")
[[ -e $place ]] || die "$1 is not built: run tests/cluster/cluster build --alone $1."
printf '%s\n' "$place"
