# shellcheck shell=bash
# The processes that a cluster started, found by the marker in their environment. Needs lib/common.sh.

# All but this one and those it descends from (`down` may be called inside `exec`).
cluster_processes() {
  local file pid own=" $BASHPID " parent=$$
  while ((parent > 1)); do
    own+="$parent "
    parent=$(ps -o ppid= -p "$parent" | tr -d ' ')
    [[ -n $parent ]] || break
  done
  while read -r file; do
    pid=${file#/proc/}
    pid=${pid%/environ}
    [[ $own == *" $pid "* ]] || printf '%s\n' "$pid"
  done < <(grep -lzxF "$marker" /proc/[0-9]*/environ 2>/dev/null || true)
}

# The first process of the process id namespace takes all others with it, pods included, and is itself the last to go.
# The loop sees also to those that were started by `exec` and `client`.
kill_processes() {
  local attempt pids pid node=()
  for ((attempt = 0; attempt < 100; attempt++)); do
    pids=$(cluster_processes)
    for pid in $pids; do
      [[ $(readlink "/proc/$pid/ns/pid") == "$(readlink /proc/self/ns/pid)" ]] || node+=("$pid")
    done
    # shellcheck disable=SC2086 # a list
    [[ -z $pids ]] || kill -KILL $pids 2>/dev/null || true
    if [[ -z $pids ]] && all_gone "${node[@]}"; then return 0; fi
    sleep 0.05
  done
  die "these processes do not end: ${pids//$'\n'/ } ${node[*]}"
}

# A process that is ending has no environment any more, but holds its namespaces still.
all_gone() {
  local pid
  for pid in "$@"; do
    [[ ! -e /proc/$pid || -n $(tr -d '\0' 2>/dev/null <"/proc/$pid/environ") ]] || return 1
  done
}
