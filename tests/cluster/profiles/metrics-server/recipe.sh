# shellcheck shell=bash
# metrics-server, with the module's own manifests: CPU and memory of pods for HorizontalPodAutoscalers and `kubectl top`.
module=sigs.k8s.io/metrics-server
version=$(pin $module ../profiles)
covers=(go.mod go.sum metrics-server ../lib/profile.sh ../image.sh)

make() {
  go_build ../profiles '' $module/cmd/metrics-server
  profile_program metrics-server
  profile_image metrics-server metrics-server
  mkdir "$out/upstream"
  cp -r --no-preserve=mode "$(module_folder ../profiles $module)/manifests/base" "$out/upstream/"
  profile_manifests metrics-server
}
