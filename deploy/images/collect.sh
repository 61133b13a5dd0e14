#!/bin/sh
# Copies programs, modules and folders into a root folder of their own, together with every shared library they load.
#   collect.sh OUT PATH…
set -eu
out=$1
shift
mkdir -p "$out"
put() {
  [ -e "$out$1" ] && return
  mkdir -p "$out$(dirname "$1")"
  cp -L --preserve=mode "$1" "$out$1"
}
for path in "$@"; do
  find -L "$path" -type f | while read -r file; do
    put "$file"
    # Scripts and data have no libraries; ldd says so with an error.
    (ldd "$file" 2>/dev/null || true) | grep -oE '/[^ ]+' | while read -r library; do put "$library"; done
  done
done
