#!/bin/sh
# Removes what building left on this machine: the images of the cluster, stand-ins for public ones, the cache in .cache.
set -eu
cd "$(dirname -- "$0")/.."
if docker version >/dev/null 2>&1; then
  images=$(docker image ls -q --filter label=dev.coxswain.source; docker image ls -q --filter label=dev.coxswain.stand-in=true)
  # Those that a container still uses stay, and docker says so.
  [ -z "$images" ] || docker rmi $(echo "$images" | sort -u) >/dev/null || true
fi
rm -rf .cache/images .cache/node
