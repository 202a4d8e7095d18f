# shellcheck shell=bash
# The environment of a command that runs beside the node: this machine's, with the cluster's kubectl, helm and credentials,
# and without proxies, since nothing but the cluster is to be reached. Needs lib/common.sh.

inside() { # NETWORK-NAMESPACE CMD...
  local network=$1 place path=
  shift
  while read -r place; do path+=$place:; done <"$state/programs"
  exec nsenter --net="$network" -- env -u http_proxy -u https_proxy -u all_proxy -u HTTP_PROXY -u HTTPS_PROXY -u ALL_PROXY \
    "$marker" "PATH=$path$PATH" "KUBECONFIG=$state/pki/admin.conf" "KUBECACHEDIR=$state/kubectl" \
    "HELM_CACHE_HOME=$state/helm/cache" "HELM_CONFIG_HOME=$state/helm/config" "HELM_DATA_HOME=$state/helm/data" "$@"
}
