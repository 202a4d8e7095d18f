# shellcheck shell=bash
# The node's control group: made before kubelet needs it, removed when the node is gone. Version 1 has a hierarchy per
# controller, version 2 has one. Needs lib/common.sh.

cgroup_hierarchies() {
  local folder
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    printf '/sys/fs/cgroup\n'
    return
  fi
  for folder in /sys/fs/cgroup/*/; do
    [[ -L ${folder%/} ]] || printf '%s\n' "${folder%/}" # cpu -> cpu,cpuacct
  done
}

make_cgroups() {
  local hierarchy file
  while read -r hierarchy; do
    if [[ -e $hierarchy/cgroup.controllers && $hierarchy == /sys/fs/cgroup ]]; then
      delegate "$hierarchy"
      mkdir -p "$hierarchy/$cgroup"
      delegate "$hierarchy/$cgroup"
    else
      mkdir -p "$hierarchy/$cgroup"
    fi
    # a new cpuset of version 1 is empty, and no process may join it
    for file in cpuset.cpus cpuset.mems; do
      [[ ! -e $hierarchy/cgroup.clone_children || ! -e $hierarchy/$file ]] || cat "$hierarchy/$file" >"$hierarchy/$cgroup/$file"
    done
  done < <(cgroup_hierarchies)
}

# Version 2: lets the children of a group use the controllers that kubelet asks for.
delegate() {
  local controller
  for controller in cpu cpuset memory pids io; do
    grep -qw "$controller" "$1/cgroup.controllers" || continue
    grep -qw "$controller" "$1/cgroup.subtree_control" && continue
    echo "+$controller" 2>/dev/null >"$1/cgroup.subtree_control" ||
      die "the control group $1 holds processes and cannot be divided: run this where systemd (or nothing else) manages control groups."
  done
}

kill_cgroups() {
  local hierarchy
  while read -r hierarchy; do
    find "$hierarchy/$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null
  done < <(cgroup_hierarchies) | sort -u | xargs --no-run-if-empty kill -KILL 2>/dev/null || true
}

# The kernel lets a group go a moment after its last process. Fails when a group is still there.
remove_cgroups() {
  local hierarchy
  while read -r hierarchy; do
    find "$hierarchy/$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done < <(cgroup_hierarchies)
  [[ -z $(list_cgroups) ]]
}

list_cgroups() {
  local hierarchy
  while read -r hierarchy; do
    find "$hierarchy/$cgroup" -maxdepth 0 2>/dev/null || true
  done < <(cgroup_hierarchies)
}
