#!/bin/sh
# Installs the Debian packages the project needs on this machine, and says for each what it is for.
#
#   deploy/packages.sh              everything the tests use beside Docker
#   deploy/packages.sh NAME…        only these
#   deploy/packages.sh --check      installs nothing; prints what is missing, exit 1 if anything is
#
# A package counts as present when its program is: a tool that came another way is left alone.
set -eu
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# package | what proves it is there (a command, or a path) | why
known='
docker.io|dockerd|the Docker Engine, which runs the cluster
docker-compose|docker-compose|brings up the services of docker-compose.yml
nftables|nft|the Service rules of kube-proxy, tested in network namespaces
iproute2|ip|links, routes and network namespaces
iputils-arping|arping|tells a link where the address of a load balancer is
containernetworking-plugins|/usr/lib/cni/ptp|puts pods on the network
iptables|iptables|lets packets of pods pass an engine that keeps rules
s6|s6-svscan|keeps the processes of a machine without systemd running
containerd|containerd|runs pods by CRI, beside Docker which needs it too
etcd-server|etcd|keeps the objects of several API servers
conntrack|conntrack|forgets the UDP flows of a removed endpoint
nfs-common|mount.nfs|mounts folders of file servers, where pods have such volumes
mmdebstrap|mmdebstrap|makes the Debian base image where no registry answers
curl|curl|asks mirrors and the API server
python3-kubernetes|/usr/lib/python3/dist-packages/kubernetes|a client of the API in Python, which the tests let work with a cluster
libnss3|/usr/lib/x86_64-linux-gnu/libnss3.so|certificates of the browser that looks at the dashboard in tests
npm|npm|fetches the pinned Node and the libraries
'
for_tests='nftables iproute2 iputils-arping containernetworking-plugins containerd etcd-server conntrack iptables s6'

line_of() { printf '%s' "$known" | grep "^$1|" || { echo "packages: nothing known about '$1'" >&2; exit 2; }; }
is_here() {
  case $1 in /*) [ -e "$1" ] ;; *) command -v "$1" >/dev/null 2>&1 ;; esac
}

only_check=
if [ "${1:-}" = --check ]; then only_check=1; shift; fi
[ $# -gt 0 ] || set -- $for_tests

missing=
for name in "$@"; do
  line=$(line_of "$name")
  proof=$(echo "$line" | cut -d'|' -f2)
  is_here "$proof" || missing="$missing $name"
done
[ -n "$missing" ] || exit 0

for name in $missing; do
  echo "packages: $name is missing ($(line_of "$name" | cut -d'|' -f3))"
done
[ -z "$only_check" ] || exit 1

if ! command -v apt-get >/dev/null 2>&1; then
  echo "packages: this machine has no apt-get. Cure: install the packages above (or what they are called here) with its own tool, and run this again." >&2
  exit 1
fi
root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || { echo "packages: installing needs root, and there is no sudo. Cure: as root, run 'apt-get install$missing'." >&2; exit 1; }
  root=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >"$log" 2>&1; }
echo "packages: installing$missing from Debian"
# The lists may be old or not there at all: they are fetched only when the first try fails.
if ! install; then
  $root apt-get update -q >"$log" 2>&1 || true
  if ! install; then
    tail -n 15 "$log" >&2
    echo "packages: apt-get could not install$missing. Cure: look at the lines above; 'apt-get update' must reach a Debian mirror." >&2
    exit 1
  fi
fi
