#!/bin/sh
# Runs compose on this checkout's cluster: the plug-in (docker compose) where there is one, else docker-compose, else Debian's
# package of it is installed.   deploy/compose.sh ps
#   --ensure   only sees to it that there is one
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.."
if docker compose version >/dev/null 2>&1; then
  [ "${1:-}" != --ensure ] || exit 0
  exec docker compose "$@"
fi
"$here/packages.sh" docker-compose
[ "${1:-}" != --ensure ] || exit 0
exec docker-compose "$@"
