#!/bin/sh
# Runs compose on this checkout's cluster: the plug-in (docker compose) where there is one, else docker-compose, else Debian's
# package of it is installed.   deploy/compose.sh ps
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.."
if docker compose version >/dev/null 2>&1; then
  exec docker compose "$@"
fi
"$here/packages.sh" docker-compose
exec docker-compose "$@"
