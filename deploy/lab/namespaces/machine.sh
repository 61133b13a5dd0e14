#!/bin/bash
# A machine of a lab on one machine, in namespaces: own processes, mounts, control groups, host name, and the network namespace it is started in.
#   machine.sh NAME FOLDER CHECKOUT GROUP
# FOLDER keeps its files: changed ones of /etc, /usr, /root and /opt beside this machine's own, and all of /var.
# The first process keeps a Docker Engine running, as a machine's init would; the rest comes by 'coxswain-lab'.
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
name=$1 folder=$2 checkout=$3 group=$4 stage=${5:-groups}
here=$checkout/deploy/lab/namespaces

if [ "$stage" = groups ]; then
  # Into groups of its own, then a namespace that begins there.
  "$here/groups.sh" enter "$group" $$
  exec unshare --cgroup --mount --uts --ipc --pid --fork -- "$0" "$name" "$folder" "$checkout" "$group" machine
fi

mount --make-rprivate /
hostname "$name"
root=$folder/root
mkdir -p "$root" "$folder"/{changed,work}
mount -t tmpfs -o mode=755 root "$root"
for part in etc usr root opt; do
  mkdir -p "$root/$part" "$folder/changed/$part" "$folder/work/$part"
  mount -t overlay -o "lowerdir=/$part,upperdir=$folder/changed/$part,workdir=$folder/work/$part" overlay "$root/$part"
done
for part in bin sbin lib lib32 lib64 libx32; do
  if [ -h "/$part" ]; then cp -P "/$part" "$root/$part"; elif [ -d "/$part" ]; then mkdir "$root/$part"; mount --bind "/$part" "$root/$part"; fi
done
mkdir -p "$folder"/var/{lib,log,cache,tmp,spool} "$root"/{var,proc,sys,dev,run,tmp,home,old}
mount --bind "$folder/var" "$root/var"
[ -e "$root/var/run" ] || ln -s /run "$root/var/run"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mkdir -p "$root$checkout"
mount --bind "$checkout" "$root$checkout"
mkdir -p "$root/sys/fs/cgroup"
[ ! -f /sys/fs/cgroup/cgroup.controllers ] || mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
cd "$root"
pivot_root . old
umount -l /old
rmdir /old
. "$here/../../worker/own-cgroups.sh"
own_cgroups
mount --make-rshared /

if [ ! -e /etc/machine-of-a-lab ]; then
  # What the outer machine has of a cluster is not this one's.
  rm -rf /etc/coxswain /etc/cni /etc/docker /usr/local/lib/coxswain /usr/local/bin/coxswain-lab
  tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
  echo "$name" >/etc/hostname
  printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >/etc/hosts
  # There is nothing beyond the lab.
  : >/etc/resolv.conf
  : >/etc/machine-of-a-lab
fi
# As a fresh machine has it: the engine turns forwarding on, and then keeps others' packets out.
echo 0 >/proc/sys/net/ipv4/ip_forward
mkdir -p /run/machine/dockerd
cat >/run/machine/dockerd/run <<'RUN'
#!/bin/sh
# After a crash the number in the pid file may be another process's.
rm -f /run/docker.pid /var/run/docker.pid
exec dockerd --log-level=warn >>/var/log/dockerd.log 2>&1
RUN
chmod +x /run/machine/dockerd/run
exec s6-svscan /run/machine
