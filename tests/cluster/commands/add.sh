#!/bin/bash
# add PROFILE...: gives the running cluster what a profile holds, and waits until it is usable. Does nothing the second time.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/go.sh"
source "$here/lib/programs.sh"
kubectl() { "$here/commands/exec.sh" kubectl "$@"; }

# Objects of the cluster's add-on are few: what they wait for is said by their kind.
wait_for() { # FOLDER KIND CONDITION
  local object
  while read -r object; do
    [[ -z $object ]] || kubectl wait --for="condition=$3" --timeout=120s $object >/dev/null
  done < <(kubectl get --filename "$1" --output 'jsonpath={range .items[*]}{.kind}{" "}{.metadata.namespace}{" "}{.metadata.name}{"\n"}{end}' |
    awk -v kind="$2" 'NF && $1 == kind { print (NF == 3 ? "--namespace=" $2 " " : "") $1 "/" $NF }')
}

apply() { # FOLDER
  [[ -d $1 ]] || return 0
  kubectl apply --server-side --force-conflicts --filename "$1" >/dev/null
}

add() { # PROFILE
  local place began=$SECONDS
  place=$(place_of "$1")
  [[ -e $place ]] || die "the profile $1 is not built: run tests/cluster/cluster build $1."
  if [[ -d $place/images ]]; then
    "$here/commands/load.sh" "$place"/images/*.tar
  fi
  apply "$place/definitions"
  [[ ! -d $place/definitions ]] || wait_for "$place/definitions" CustomResourceDefinition Established
  apply "$place/manifests"
  if [[ -d $place/manifests ]]; then
    wait_for "$place/manifests" Deployment Available
    wait_for "$place/manifests" APIService Available
  fi
  say "  $1 is usable ... $((SECONDS - began)) s"
}

(($#)) || die "say which profiles: cluster add PROFILE...; there are: $(list_profiles | paste -sd' ')"
need_supervisor >/dev/null || exit 1
for profile in "$@"; do
  need_profile "$profile"
  mark=$state/profiles/$profile
  mkdir -p "$mark"
  exec 9<"$mark" # two suites may ask for the same
  flock 9
  if [[ ! -e $mark/usable ]]; then
    add "$profile"
    : >"$mark/usable"
  fi
  exec 9<&-
done
