# Sourced: 'own_cgroups' gives this process's cgroup namespace fresh mounts of its own part of the tree. The caller has unshared the namespace
# (version 1). Without it limits work, but OOM kills go unreported and statistics stay empty: the engine inside reads /proc/self/cgroup and
# finds paths that are mounted nowhere. Returns 1 where that is not allowed.
own_cgroups() {
  local tree=/sys/fs/cgroup process controller controllers folder
  if [ -f $tree/cgroup.controllers ]; then
    mount -o remount,rw $tree 2>/dev/null || mount -o remount,rw,bind $tree 2>/dev/null || return 1
    # Version 2: a group that holds processes may not give controllers to its children, so this one is emptied.
    mkdir -p $tree/init
    while read -r process; do echo "$process" >$tree/init/cgroup.procs 2>/dev/null || true; done <$tree/cgroup.procs
    for controller in $(cat $tree/cgroup.controllers); do echo "+$controller" >$tree/cgroup.subtree_control 2>/dev/null || true; done
    return 0
  fi
  ! mountpoint -q $tree || umount -R $tree 2>/dev/null || umount -l $tree || return 1
  mount -t tmpfs -o mode=755,nosuid,nodev,noexec cgroup $tree || return 1
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    folder=$tree/${controllers#name=}
    mkdir -p "$folder"
    mount -t cgroup -o "$controllers" cgroup "$folder" || return 1
    case $controllers in *,*) for controller in ${controllers//,/ }; do ln -sf "$(basename "$folder")" "$tree/$controller"; done ;; esac
  done </proc/self/cgroup
  echo 1 >$tree/memory/memory.use_hierarchy 2>/dev/null || true
}
