#!/bin/bash
# make demo: a cluster, the operator by Helm, two add-ons, and Twilio's side of each conversation.
source "$(dirname "$0")/environment.sh"
export CLUSTER_NAME=${CLUSTER_NAME:-demo}
kube() { "$cluster" exec -- "$@"; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

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
    --set image.repository=docker.io/local/marketplace-operator,image.tag=dev --set serviceImage.repository=docker.io/local/marketplace-service,serviceImage.tag=dev
}

apply_examples() {
  credentials
  kube kubectl apply -f "$top/examples/incoming-sms.yaml" -f "$top/examples/recording-analysis.yaml"
  kube kubectl wait --for=condition=Ready --timeout=120s marketplaceaddon --all
  kube kubectl get marketplaceaddons
}

# Acts as Twilio, from the node's network: `invoke` signs with the account's token and receives the callback itself.
twilio() { # ADDON ENDPOINT ARGUMENTS...
  local addon=$1 endpoint=$2 address
  shift 2
  address=$(kube kubectl get service "$addon-front" -o jsonpath='{.spec.clusterIP}')
  kube "$release/marketplace-service" invoke -f "$top/examples/$addon.yaml" --endpoint "$endpoint" --secrets "$scratch" --to "http://$address" "$@"
}

part "packages" "$top/tests/lanes/packages.sh"
part "build the cluster's programs (the first time: about 10 minutes)" "$cluster" build
part "build the images" "$top/tests/lanes/images.sh"
part "a cluster on this machine" start_cluster
part "helm install" install_operator
part "two add-ons" apply_examples
part "an incoming SMS" twilio incoming-sms sms --field phone=+14155551212
part "a recording, and the callback with its result" twilio recording-analysis recordings --audio "$top/examples/recording.wav" --callback-listen 192.0.2.1:0
part "a forged request" twilio incoming-sms sms --field phone=+14155551212 --forge
times
cat <<END

The cluster is still up. To go on:
  CLUSTER_NAME=$CLUSTER_NAME tests/cluster/cluster exec -- kubectl get marketplaceaddons,pods
  CLUSTER_NAME=$CLUSTER_NAME tests/cluster/cluster exec -- kubectl explain marketplaceaddon.spec.endpoints
To clean up:
  make clean-cluster
END
