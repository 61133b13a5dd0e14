#!/bin/sh
# Runs compose on this checkout's cluster: the plug-in (docker compose) where there is one, else docker-compose, else Debian's
# package of it is installed.   deploy/compose.sh ps
#   --ensure   only sees to it that there is one
#   COXSWAIN_HA   1: the highly available cluster, 0: the plain one; not said: whichever is there
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.."
# As compose does: the environment first, then .env.
setting() { deploy/with-settings.sh sh -c "printf %s \"\${$1:-}\""; }
is_highly_available() {
  project=$(setting COMPOSE_PROJECT_NAME)
  project=${project:-$(basename "$PWD" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-' | sed 's/^[_-]*//')}
  [ "$(docker volume ls -q --filter "name=^${project:-coxswain}_etcd-1-data\$" 2>/dev/null)" ]
}
if [ "${COXSWAIN_HA:-}" = 1 ] || { [ -z "${COXSWAIN_HA:-}" ] && is_highly_available; }; then
  files=$(setting COMPOSE_FILE)
  if [ -z "$files" ]; then
    files=docker-compose.yml
    [ ! -e docker-compose.override.yml ] || files=$files:docker-compose.override.yml
  fi
  export COMPOSE_FILE="$files:docker-compose.ha.yml"
fi
if docker compose version >/dev/null 2>&1; then
  [ "${1:-}" != --ensure ] || exit 0
  exec docker compose "$@"
fi
"$here/packages.sh" docker-compose
[ "${1:-}" != --ensure ] || exit 0
exec docker-compose "$@"
