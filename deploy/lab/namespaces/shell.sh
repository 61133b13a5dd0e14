#!/bin/sh
# A shell, or a program, on a machine of a lab: shell.sh LAB MACHINE [COMMAND…]
set -eu
lab=$1 machine=$2
shift 2
[ $# -gt 0 ] || set -- bash
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
first=$("$here/../../../tools/node" -e 'const s = JSON.parse(require("fs").readFileSync(process.argv[1])); console.log(s.machines.find(({ name }) => name === process.argv[2])?.first ?? 0)' \
  "/var/lib/coxswain-lab/$lab/lab.json" "$machine")
[ "$first" != 0 ] || { echo "shell: the lab $lab has no machine $machine that is on" >&2; exit 1; }
exec "$here/enter.sh" "coxswain-lab-$lab-$machine" "$first" "$@"
