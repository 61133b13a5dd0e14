#!/bin/sh
# Runs every rule that is a program, to the end, and says at the end which of them found something.
cd "$(dirname -- "$0")/.." || exit 1
failed=
run() {
  name=$1; shift
  if "$@"; then echo "✓ $name"; else echo "✗ $name"; failed="$failed, $name"; fi
}
run types node_modules/.bin/tsc --noEmit -p .
run 'types of the page' node_modules/.bin/tsc --noEmit -p dashboard/view
run 'lint and format' node_modules/.bin/biome check --error-on-warnings .
for script in tools/check-*.ts tools/verify-*.ts; do
  case $script in *.test.ts | *'*'*) continue ;; esac
  run "$(basename "$script" .ts)" tools/node "$script"
done
run 'shell scripts' sh -c 'for file in $(git ls-files "*.sh" tools/node); do sh -n "$file" 2>/dev/null || bash -n "$file" || exit 1; done'
[ -z "$failed" ] || { echo "check: ${failed#, }" >&2; exit 1; }
