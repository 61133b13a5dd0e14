#!/bin/sh
# Removes what building left on this machine: the images of the cluster, stand-ins for public ones, the cache in .cache.
#   COXSWAIN_IMAGE_PREFIX    whose images: those of clusters built under another prefix stay (default coxswain)
set -eu
cd "$(dirname -- "$0")/.."
prefix=${COXSWAIN_IMAGE_PREFIX:-coxswain}
if docker version >/dev/null 2>&1; then
  images=$(
    docker image ls -q --filter label=dev.coxswain.source --filter "reference=$prefix/*"
    docker image ls -q --filter label=dev.coxswain.source --filter dangling=true
    docker image ls -q --filter label=dev.coxswain.stand-in=true
  )
  # Those that a container still uses stay, and docker says so.
  [ -z "$images" ] || docker rmi $(echo "$images" | sort -u) >/dev/null || true
fi
rm -rf .cache/images .cache/node
