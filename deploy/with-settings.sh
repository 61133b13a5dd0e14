#!/bin/sh
# Runs a script with the settings of .env; what the environment says already comes first, as with compose.
#   deploy/with-settings.sh deploy/images.sh
set -eu
file=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)/.env
if [ -r "$file" ]; then
  while IFS= read -r line; do
    name=${line%%=*}
    case $name in '' | "$line" | [0-9]* | *[!A-Za-z0-9_]*) continue ;; esac
    eval "[ -n \"\${$name:-}\" ]" || export "$name=${line#*=}"
  done <"$file"
fi
exec "$@"
