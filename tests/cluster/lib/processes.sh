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
  local attempt pids
  for ((attempt = 0; attempt < 100; attempt++)); do
    pids=$(cluster_processes)
    [[ -n $pids ]] || return 0
    # shellcheck disable=SC2086 # a list
    kill -KILL $pids 2>/dev/null || true
    sleep 0.05
  done
  die "these processes do not end: ${pids//$'\n'/ }"
}

# A process that is ending has no environment any more, but holds its namespaces for a moment still. No longer than 5 s:
# after a restart of the machine another namespace may have the number.
wait_for_namespace() {
  local attempt namespace
  namespace=$(cat "$state/process-namespace" 2>/dev/null) || return 0
  for ((attempt = 0; attempt < 50; attempt++)); do
    [[ -n $(find /proc/[0-9]*/ns/pid -lname "${namespace//[/\\[}" 2>/dev/null) ]] || return 0
    sleep 0.1
  done
}
