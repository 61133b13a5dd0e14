#!/bin/bash
# Control groups of one machine of a lab.
#   groups.sh enter GROUP PROCESS    makes the groups, in every hierarchy below ours, and moves the process there
#   groups.sh remove GROUP           removes them; nothing may run in them any more
set -euo pipefail
action=$1 group=$2
tree=/sys/fs/cgroup

places() {
  if [ -f $tree/cgroup.controllers ]; then
    # Below the root: no other group may hold processes and hand controllers on.
    echo "$tree/$group"
    return
  fi
  while IFS=: read -r _ controllers path; do
    [ -n "$controllers" ] || continue
    # Entered from inside a machine's own group it would nest; the name says where ours begins.
    path=${path%%/coxswain-lab-*}
    folder=$tree/${controllers#name=}
    [ ! -d "$folder" ] || echo "$folder${path%/}/$group"
  done </proc/self/cgroup
}

for place in $(places); do
  if [ "$action" = remove ]; then
    [ -d "$place" ] || continue
    find "$place" -depth -type d -exec rmdir {} + 2>/dev/null || true
    continue
  fi
  mkdir -p "$place"
  for file in cpuset.cpus cpuset.mems; do
    # A new group of version 1 has neither, and takes nobody in before it has.
    [ ! -f "$place/$file" ] || [ -n "$(cat "$place/$file")" ] || cat "$(dirname "$place")/$file" >"$place/$file" 2>/dev/null || true
  done
  # Version 2: the machine empties its topmost group once it runs.
  [ ! -d "$place/init" ] || place=$place/init
  echo "$3" >"$place/cgroup.procs"
done
