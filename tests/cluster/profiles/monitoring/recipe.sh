# shellcheck shell=bash
# The definitions of PodMonitor and PrometheusRule alone: nobody acts on them here, the API server checks what is written.
module=github.com/prometheus-operator/prometheus-operator
version=$(pin $module ../profiles/monitoring)
covers=(monitoring)

make() {
  local source
  source=$(module_folder ../profiles/monitoring $module)/example/prometheus-operator-crd
  install -D -m 644 -t "$out/definitions" "$source"/monitoring.coreos.com_{podmonitors,prometheusrules}.yaml
}
