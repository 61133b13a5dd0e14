#!/bin/sh
# Runs the tests: all of them, or those in the files and folders named. Sees first to what they need on this machine.
# Files run side by side, those named *.alone.test.ts after them, one by one: see test/run.ts. Those of test/e2e come last and share a cluster of
# containers. Those of test/lab share a lab of machines in namespaces; they need root, and minutes, and run when they are named.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.."
if [ $# -eq 0 ]; then
  deploy/packages.sh
  echo "test: test/lab is left out for the minutes it takes; 'make test ONLY=test/lab' runs it"
  set -- $(git ls-files --cached --others --exclude-standard '*.test.ts' | grep -v '^test/lab/' | sort)
else
  set -- $(for path in "$@"; do if [ -d "$path" ]; then find "$path" -name '*.test.ts' -not -path '*/node_modules/*'; else echo "$path"; fi; done | sort)
fi
[ $# -gt 0 ] || { echo 'test: no test files there' >&2; exit 1; }

on_cluster=
in_lab=
others=
for file in "$@"; do
  case $file in *test/e2e/*) on_cluster="$on_cluster $file" ;; *test/lab/*) in_lab="$in_lab $file" ;; *) others="$others $file" ;; esac
done
failed=0
now() { date +%s; }
began=$(now)
deploy/images.sh
ready=$(now)
if [ -n "$others" ]; then
  tools/node test/run.ts $others || failed=1
fi
tested=$(now)
if [ -n "$in_lab" ]; then
  if [ "$(id -u)" = 0 ]; then
    deploy/kubectl.sh >/dev/null
    tools/node test/run.ts --neighbours=1 --minutes=15 --setup=test/lab/global-setup.ts $in_lab || failed=1
  else
    echo 'test: the tests of test/lab are left out: machines in namespaces need root' >&2
  fi
fi
in_lab_done=$(now)
if [ -n "$on_cluster" ]; then
  deploy/kubectl.sh >/dev/null
  tools/node test/run.ts --neighbours=2 --setup=test/e2e/global-setup.ts $on_cluster || failed=1
fi
echo "test: images $((ready - began)) s, unit to crash tests $((tested - ready)) s, in a lab $((in_lab_done - tested)) s, on a cluster $(($(now) - in_lab_done)) s"
exit "$failed"
