# shellcheck shell=bash
# KEDA's operator and its metrics API server, with the module's own manifests, without the admission webhooks. Most of compiling it
# is the clients of some seventy systems that it can ask: left out are all triggers but those named here. Nothing else differs.
module=github.com/kedacore/keda/v2
version=$(pin $module ../profiles)
covers=(go.mod go.sum keda ../lib/trim.sh ../lib/profile.sh ../image.sh)
triggers='cpu memory cron prometheus external external-push kubernetes-workload'
# azure_queue holds a name that the others use
scalers='cpu_memory cron prometheus external kubernetes_workload azure_queue'

leave_out_triggers() {
  local source=$out/scratch/source file name builder
  builder=$source/pkg/scaling/scalers_builder.go
  for file in "$source"/pkg/scalers/*_scaler.go; do
    name=${file##*/}
    [[ " $scalers " == *" ${name%_scaler.go} "* ]] || rm "$file"
  done
  awk -v kept="$triggers" -f "$here/profiles/keda/triggers.awk" "$builder" >"$builder.kept"
  mv "$builder.kept" "$builder"
}

make() {
  local program
  copy_module ../profiles $module
  leave_out_triggers
  build_with_copy ../profiles "-X $module/version.Version=$version" $module/cmd/{operator,adapter}
  for program in operator adapter; do
    mkdir "$out/keda-$program"
    mv "$out/$program" "$out/keda-$program/keda"
    profile_image keda "keda-$program"
  done
  mkdir "$out/upstream"
  cp -r --no-preserve=mode "$(module_folder ../profiles $module)/config" "$out/upstream/"
  profile_manifests keda
}
