#!/bin/bash
# First process of a worker host that is a container: prepares cgroups, mounts, the node's name and address, then becomes s6.
# Needs the capabilities SYS_ADMIN, NET_ADMIN and SYS_PTRACE, and no seccomp or AppArmor profile around it.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cgroups=/sys/fs/cgroup

fail() { echo "worker: $1" >&2; echo "worker: cure: $2" >&2; exit 1; }

# An own cgroup namespace, with fresh mounts below (own-cgroups.sh says why).
if [ ! -f $cgroups/cgroup.controllers ] && [ -z "${IN_CGROUP_NAMESPACE:-}" ]; then
  export IN_CGROUP_NAMESPACE=1
  exec unshare --cgroup -- "$0" "$@"
fi
unset IN_CGROUP_NAMESPACE
mount -o remount,rw,bind /sys 2>/dev/null || true
mount -o remount,rw,bind /proc/sys 2>/dev/null || true
. /coxswain/deploy/worker/own-cgroups.sh
own_cgroups || fail 'the cgroup tree cannot be made writable' 'start the container with the capability SYS_ADMIN and security option seccomp=unconfined'
# Mount propagation into pods starts from shared mounts.
mount --make-rshared /
sysctl -qw net.ipv4.ip_forward=1

state=/var/lib/kubelet
mkdir -p $state /run/coxswain
mountpoint -q /var/lib/docker ||
  fail '/var/lib/docker is not a volume' 'give each worker a volume of its own there: overlay file systems do not stack'

# The name is found once and kept: it is who this node is, also after the container was recreated with another address.
name_file=$state/node-name
if [ ! -s $name_file ]; then
  found=$(node /coxswain/deploy/worker/node-name.js) || fail 'no node name was found' 'set COXSWAIN_NODE_NAME'
  # Whose volumes these are: compose forgets them when it scales down, and gives them no label.
  sed -n 2p <<<"$found" | tee $state/.coxswain-host >/var/lib/docker/.coxswain-host
  sed -n 1p <<<"$found" >$name_file.new
  mv $name_file.new $name_file
fi
[ -z "${COXSWAIN_NODE_NAME:-}" ] || echo "$COXSWAIN_NODE_NAME" >$name_file
# The address may be another after each start: that of the interface with the default route.
address=$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p')
address=${address:-$(hostname -i | cut -d' ' -f1)}
COXSWAIN_NODE_NAME=$(cat $name_file)
export COXSWAIN_NODE_NAME COXSWAIN_NODE_IP="$address"
echo "worker: node $COXSWAIN_NODE_NAME, address $COXSWAIN_NODE_IP"

# A fresh copy: what s6 keeps in there belongs to the run before.
rm -rf /service
cp -a /coxswain/deploy/worker/services /service
export COXSWAIN_RUNTIME="${COXSWAIN_RUNTIME:-docker}"
case $COXSWAIN_RUNTIME in
  docker) rm -r /service/containerd ;;
  containerd) rm -r /service/dockerd ;;
  *) fail "COXSWAIN_RUNTIME is $COXSWAIN_RUNTIME" 'set it to docker or containerd' ;;
esac
exec s6-svscan /service
