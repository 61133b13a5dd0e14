#!/bin/sh
# Runs the measurements in bench/, one after the other, or those named: deploy/bench.sh bench/list-latency.ts
set -eu
cd "$(dirname -- "$0")/.."
[ $# -gt 0 ] || set -- $(git ls-files --cached --others --exclude-standard 'bench/*.ts' | grep -v '\.test\.ts$')
[ $# -gt 0 ] || { echo 'bench: there are no measurements in bench/ yet' >&2; exit 1; }
for file in "$@"; do
  echo "== $file"
  tools/node "$file"
done
