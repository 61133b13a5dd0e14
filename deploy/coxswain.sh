#!/bin/bash
# coxswain SERVICE FLAGS…: runs one process of the cluster.
# COXSWAIN_HOME: where the program lies; default: where the images have it. A checkout, an unpacked bundle, an installed release.
# COXSWAIN_AWAIT_FILE: a file that another process makes, without which this one cannot start (a kubeconfig).
set -eu
service=$1
shift
home=${COXSWAIN_HOME:-/coxswain}
if [ -n "${COXSWAIN_AWAIT_FILE:-}" ] && [ ! -s "$COXSWAIN_AWAIT_FILE" ]; then
  echo "$service: waiting for $COXSWAIN_AWAIT_FILE"
  # A pipe that nobody writes to: waiting starts no program, and nine of these wait while a cluster starts.
  exec {nothing}<> <(:)
  until [ -s "$COXSWAIN_AWAIT_FILE" ]; do read -r -t 0.05 -u "$nothing" || true; done
  exec {nothing}>&-
fi
unset COXSWAIN_AWAIT_FILE COXSWAIN_HOME
main=$home/$service/main.js
[ -e "$main" ] || main=$home/$service/main.ts
# tools/node gives a small young generation too: services hold less memory, and are no slower for it (bench/results.md).
if [ -x "$home/tools/node" ]; then exec "$home/tools/node" "$main" "$@"; fi
exec node --max-semi-space-size=4 "$main" "$@"
