#!/bin/sh
# Runs the tests: all of them, or those in the files and folders named. Sees first to what they need on this machine.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.."
if [ $# -eq 0 ]; then
  deploy/packages.sh
  deploy/images.sh
  set -- $(git ls-files --cached --others --exclude-standard '*.test.ts' | sort)
else
  set -- $(for path in "$@"; do if [ -d "$path" ]; then find "$path" -name '*.test.ts' -not -path '*/node_modules/*'; else echo "$path"; fi; done | sort)
fi
[ $# -gt 0 ] || { echo 'test: no test files there' >&2; exit 1; }
exec tools/node --test --test-timeout=600000 "$@"
