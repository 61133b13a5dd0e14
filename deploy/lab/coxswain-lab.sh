#!/bin/sh
# coxswain-lab COMMAND: a cluster over several machines. 'server' on the first, 'join' on the others; docs/lab.md.
# Works from a checkout, an unpacked bundle and an installed release.
set -eu
me=$0
while [ -h "$me" ]; do
  target=$(readlink "$me")
  case $target in /*) me=$target ;; *) me=$(dirname -- "$me")/$target ;; esac
done
home=$(CDPATH='' cd -- "$(dirname -- "$me")/../.." && pwd -P)
if ! "$home/tools/node" --version >/dev/null 2>&1; then
  # A fresh checkout: the packages bring the pinned Node.
  [ "$(id -u)" = 0 ] || [ -w "$home" ] || { echo "coxswain-lab: the packages are not installed yet. Cure: run 'npm ci' in $home, or this as root" >&2; exit 1; }
  "$home/deploy/packages.sh" npm
  echo 'npm: installing the packages of package-lock.json'
  (cd "$home" && npm ci --no-audit --no-fund --loglevel=error)
fi
main=$home/deploy/lab/main.js
[ -e "$main" ] || main=$home/deploy/lab/main.ts
exec "$home/tools/node" "$main" "$@"
