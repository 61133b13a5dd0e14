#!/bin/sh
# allow-forwarding.sh RANGE [remove]: lets this machine carry packets of pods. Run before each start of kube-proxy.
# An engine that keeps iptables' rules drops what is not for its own networks; DOCKER-USER is where it lets others have a say.
set -eu
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
range=$1
chain=DOCKER-USER
if [ "${2:-}" = remove ]; then
  command -v iptables >/dev/null 2>&1 || exit 0
  for side in -s -d; do
    while iptables -w 5 -D $chain $side "$range" -j ACCEPT 2>/dev/null; do :; done
  done
  exit 0
fi
[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || echo 1 >/proc/sys/net/ipv4/ip_forward
command -v iptables >/dev/null 2>&1 && iptables -w 5 -nL $chain >/dev/null 2>&1 || exit 0
for side in -s -d; do
  iptables -w 5 -C $chain $side "$range" -j ACCEPT 2>/dev/null || iptables -w 5 -I $chain $side "$range" -j ACCEPT
done
