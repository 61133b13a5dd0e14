#!/bin/sh
# Sees to the packages of this folder, which nobody but the tests needs, to the library that the browser wants, and unpacks the browser.
# Files of tests that begin at once wait for each other here: two that install into one folder destroy each other's work.
set -eu
cd "$(dirname -- "$0")"
exec 9<package.json
flock 9
../../deploy/packages.sh npm libnss3
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json node_modules/.installed
fi
../../tools/node --input-type=module -e "import chromium from '@sparticuz/chromium'; await chromium.executablePath()"
