#!/bin/bash
# add PROFILE...: gives the running cluster what a profile holds, and waits until it is usable. Does nothing the second time.
set -euo pipefail
source "$(dirname "$0")/../lib/common.sh"
source "$here/lib/go.sh"
source "$here/lib/programs.sh"
kubectl() { "$here/commands/exec.sh" kubectl "$@"; }

# KIND NAME [NAMESPACE] of every object in the files of a folder, as the API server has them.
objects() { # FOLDER
  kubectl get --filename "$1" --output 'custom-columns=KIND:.kind,NAME:.metadata.name,NAMESPACE:.metadata.namespace' --no-headers
}

# Waits for all objects of a kind in a folder; of one that does not get there, shows what its namespace says.
wait_for() { # FOLDER KIND CONDITION
  local kind name namespace
  while read -r kind name namespace; do
    [[ $kind == "$2" ]] || continue
    kubectl --namespace "$namespace" wait --for="condition=$3" --timeout=180s "$kind/$name" >/dev/null && continue
    kubectl --namespace "$namespace" get pods >&2
    kubectl --namespace "$namespace" logs --all-containers --prefix --tail=5 "$kind/$name" >&2 || true
    die "$kind $name does not become $3 (above)."
  done < <(objects "$1")
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
