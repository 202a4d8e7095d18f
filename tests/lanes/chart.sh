#!/bin/bash
# The chart, with its default values and with every option that changes what is rendered: linted, rendered, and each
# object held against the schemas of the running API server. Runs inside the cluster: `cluster exec -- tests/lanes/chart.sh`.
source "$(dirname "$0")/environment.sh"
chart=$top/charts/marketplace-operator

helm lint --strict "$chart"
for values in "" "--set=watchNamespaces={one,two}" "--set=crds.install=false" "--set=prometheus.serverAddress=http://prometheus.monitoring.svc:9090"; do
  # shellcheck disable=SC2086  # no value has a space, and the first row is no argument at all
  helm template marketplace "$chart" --namespace marketplace-system $values >/dev/null
done
helm template marketplace "$chart" --namespace default | kubectl apply --dry-run=server --server-side --field-manager=chart-check -f - >/dev/null
! helm template marketplace "$chart" --set=noSuchValue=1 2>/dev/null >&2 || { say "the chart's schema admits an unknown value"; exit 1; }
say "the chart is well formed, and the API server takes what it renders"
