# shellcheck shell=bash
# Traefik as Ingress and Gateway controller, with the standard definitions of the Gateway API and its own. Left out are the
# clients of 150 DNS companies that its certificate library brings: nobody here proves to own a domain.
# 3.6 is the newest whose modules can all be had; its own replaces do not carry over and stand in go.mod.
module=github.com/traefik/traefik/v3
version=$(pin $module ../profiles)
covers=(go.mod go.sum traefik ../lib/trim.sh ../lib/profile.sh ../image.sh)

leave_out_dns_companies() {
  local folder=$out/scratch/source/providers/dns
  rm -rf "$folder"
  mkdir "$folder"
  cp "$here/profiles/traefik/no_dns_companies.go.txt" "$folder/dns.go"
}

make() {
  copy_module ../profiles github.com/go-acme/lego/v4
  leave_out_dns_companies
  build_with_copy ../profiles "-X $module/pkg/version.Version=$version" $module/cmd/traefik
  profile_program traefik
  profile_image traefik traefik
  install -D -m 644 -t "$out/definitions" "$(module_folder ../profiles sigs.k8s.io/gateway-api)"/config/crd/standard/*.yaml \
    "$(module_folder ../profiles $module)/docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml"
  install -D -m 644 -t "$out/manifests" "$here"/profiles/traefik/{controller,gateway}.yaml
}
