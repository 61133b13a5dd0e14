#!/bin/sh
# coxswain SERVICE FLAGS…: runs one process of the cluster.
# COXSWAIN_AWAIT_FILE: a file that another process makes, without which this one cannot start (a kubeconfig).
set -eu
service=$1
shift
if [ -n "${COXSWAIN_AWAIT_FILE:-}" ] && [ ! -s "$COXSWAIN_AWAIT_FILE" ]; then
  echo "$service: waiting for $COXSWAIN_AWAIT_FILE"
  until [ -s "$COXSWAIN_AWAIT_FILE" ]; do sleep 0.1; done
fi
unset COXSWAIN_AWAIT_FILE
# A small young generation: services hold less memory, and are no slower for it (bench/results.md).
exec node --max-semi-space-size=4 "/coxswain/$service/main.js" "$@"
