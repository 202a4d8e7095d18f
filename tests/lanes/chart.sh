#!/bin/bash
# The chart, with its default values and with every option that changes what is rendered: linted, rendered, and each
# object held against the schemas of the running API server. Runs inside the cluster: `cluster exec -- tests/lanes/chart.sh`.
source "$(dirname "$0")/environment.sh"
chart=$top/charts/marketplace-operator

helm lint --strict "$chart"
network='network={"ingressFrom":[{"namespaceSelector":{}}],"egress":[{"ipBlock":{"cidr":"10.0.0.0/8"}}]}'
for values in "--set=resyncSeconds=30" "--set=prometheus.serverAddress=http://prometheus.monitoring.svc:9090" \
  "--set=watchNamespaces={one,two}" "--set=monitoring.enabled=true,monitoring.operator=true,monitoring.labels.release=gauges" "--set=crds.install=false" "--set-json=$network"; do
  helm template marketplace "$chart" --namespace marketplace-system "$values" >/dev/null
done
helm template marketplace "$chart" --namespace default | kubectl apply --dry-run=server --server-side --field-manager=chart-check -f - >/dev/null

roles() { # VALUES: each role and binding that is rendered, with its namespace
  helm template marketplace "$chart" --namespace marketplace-system "$@" |
    awk '/^kind: (Cluster)?Role(Binding)?$/ {kind=$2} /^  name: / && kind {name=$2}
         /^  namespace: / && kind {space=$2} /^(rules|roleRef):/ && kind {print kind, space, name; kind=space=""}' | sort
}
name=marketplace-marketplace-operator
lease=$(printf '%s\n' "Role marketplace-system $name-lease" "RoleBinding marketplace-system $name-lease")
expect() { # WHAT ROLES VALUES...: exactly these roles, and those for the lease
  local what=$1 wanted
  wanted=$(printf '%s\n' "$2" "$lease" | sed '/^$/d' | sort)
  shift 2
  [[ $(roles "$@") == "$wanted" ]] || { say "$what: other roles than expected:"; diff <(echo "$wanted") <(roles "$@"); exit 1; }
}
expect "all namespaces" "$(printf '%s\n' "ClusterRole  $name" "ClusterRoleBinding  $name")"
expect "two namespaces" "$(printf '%s\n' "Role one $name" "Role two $name" "RoleBinding one $name" "RoleBinding two $name")" "--set=watchNamespaces={one,two}"
[[ -z $(roles --set=rbac.create=false) ]] || { say "roles are rendered although none is wanted"; exit 1; }
budgets() { helm template marketplace "$chart" "$@" | grep -c '^kind: PodDisruptionBudget' || true; }
[[ $(budgets) == 0 && $(budgets --set=replicas=2) == 1 ]] || { say "a disruption budget belongs to several replicas, and to them alone"; exit 1; }
! helm template marketplace "$chart" --set=noSuchValue=1 2>/dev/null >&2 || { say "the chart's schema admits an unknown value"; exit 1; }
say "the chart is well formed, and the API server takes what it renders"
