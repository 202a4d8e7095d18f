#!/bin/bash
# make demo: a cluster, the operator by Helm, two add-ons, and Twilio's side of each conversation. With CLUSTER=existing the
# cluster is that of KUBECONFIG; CALLBACK_ADDRESS is then an address of this machine that its pods reach.
source "$(dirname "$0")/environment.sh"
export CLUSTER_NAME=${CLUSTER_NAME:-demo}
kube() { "$cluster" exec -- "$@"; }
scratch=$(mktemp -d)
forward=
trap 'rm -rf "$scratch"; [[ -z $forward ]] || kill "$forward" 2>/dev/null || true' EXIT
callback=${CALLBACK_ADDRESS:-192.0.2.1}

# What a publisher has from Twilio; the demo makes up its own, once: a changed token takes a minute to reach a running pod.
credentials() {
  local key
  mkdir -p "$scratch/twilio"
  if ! kube kubectl get secret twilio >/dev/null 2>&1; then
    kube kubectl create secret generic twilio --from-literal="ACCOUNT_SID=AC$(openssl rand -hex 16)" --from-literal="AUTH_TOKEN=$(openssl rand -hex 16)"
  fi
  for key in ACCOUNT_SID AUTH_TOKEN; do
    kube kubectl get secret twilio -o "jsonpath={.data.$key}" | base64 -d >"$scratch/twilio/$key"
  done
}

start_cluster() {
  "$cluster" status >/dev/null 2>&1 || "$cluster" up
  "$cluster" load "$images"/marketplace-{operator,service}.tar
}

install_operator() {
  kube helm upgrade --install marketplace "$top/charts/marketplace-operator" --namespace marketplace-system --create-namespace --wait \
    --set "image.repository=$prefix/marketplace-operator,image.tag=dev,serviceImage.repository=$prefix/marketplace-service,serviceImage.tag=dev"
}

apply_examples() {
  credentials
  cp "$top"/examples/{incoming-sms,recording-analysis}.yaml "$scratch"
  sed -i "s/192\.0\.2\.1/$callback/" "$scratch/recording-analysis.yaml"
  kube kubectl apply -f "$scratch/incoming-sms.yaml" -f "$scratch/recording-analysis.yaml"
  kube kubectl wait --for=condition=Ready --timeout=120s marketplaceaddon --all
  kube kubectl get marketplaceaddons
}

# Where the Service of an add-on answers: of the cluster that is made here in the node's network, of another through its API server.
reach() { # ADDON
  if [[ ! $is_existing ]]; then
    address=$(kube kubectl get service "$1-front" -o jsonpath='{.spec.clusterIP}')
    return
  fi
  [[ -z $forward ]] || kill "$forward"
  kube kubectl port-forward "service/$1-front" :80 >"$scratch/forward" &
  forward=$!
  until grep -q 127.0.0.1 "$scratch/forward"; do
    kill -0 "$forward" || { say "kubectl port-forward has ended"; exit 1; }
    sleep 0.2
  done
  address=$(sed -nE 's/.*(127\.0\.0\.1:[0-9]+).*/\1/p' "$scratch/forward" | head -n 1)
}

# Acts as Twilio: `invoke` signs with the account's token and receives the callback itself.
twilio() { # ADDON ENDPOINT ARGUMENTS...
  local addon=$1 endpoint=$2 address
  shift 2
  reach "$addon"
  kube "$release/marketplace-service" invoke -f "$scratch/$addon.yaml" --endpoint "$endpoint" --secrets "$scratch" --to "http://$address" "$@"
}

part "packages" "$top/tests/lanes/packages.sh"
part "build the cluster's programs (the first time: about 10 minutes)" "$cluster" build
part "build the images" "$top/tests/lanes/images.sh"
part "a cluster on this machine" start_cluster
part "helm install" install_operator
part "two add-ons" apply_examples
part "an incoming SMS" twilio incoming-sms sms --field phone=+14155551212
part "a recording, and the callback with its result" twilio recording-analysis recordings --audio "$top/examples/recording.wav" --callback-listen "$callback:0"
part "a forged request" twilio incoming-sms sms --field phone=+14155551212 --forge
times
if [[ $is_existing ]]; then
  say "To clean up: kubectl delete marketplaceaddons incoming-sms recording-analysis; kubectl delete secret twilio; helm uninstall marketplace --namespace marketplace-system"
  exit 0
fi
cat <<END

The cluster is still up. To go on:
  CLUSTER_NAME=$CLUSTER_NAME tests/cluster/cluster exec -- kubectl get marketplaceaddons,pods
  CLUSTER_NAME=$CLUSTER_NAME tests/cluster/cluster exec -- kubectl explain marketplaceaddon.spec.endpoints
To clean up:
  make clean-cluster
END
