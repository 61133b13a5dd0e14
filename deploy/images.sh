#!/bin/sh
# Sees to it that the public images the cluster, the examples and the tests use are in this machine's Docker.
# What is there stays. What is missing is pulled; where no registry answers, a stand-in with the same name is made from
# Debian packages and labelled dev.coxswain.stand-in=true.
#
#   deploy/images.sh            all of them
#   deploy/images.sh --list     prints their names, one a line
#   deploy/images.sh NAME…      only these
#
#   COXSWAIN_IMAGES             auto (default), pull (never make stand-ins) or stand-in (never pull)
#   COXSWAIN_PULL_TIMEOUT       seconds the first pull may take before the registry counts as absent (default 20)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=$here/../.cache/images
mode=${COXSWAIN_IMAGES:-auto}
all='debian:bookworm-slim registry.k8s.io/pause:3.10 registry:2 busybox:latest busybox:1.36 nginx:latest nginx:1.27 nginx:1.28 httpd:latest redis:latest'

case ${1:-} in
  --list) printf '%s\n' $all; exit 0 ;;
  '') set -- $all ;;
esac
"$here/engine.sh"

# A stand-in is out of date when the recipes have changed since; a pulled image never is.
recipe=$(cat "$here"/images/* | sha256sum | cut -c1-12)
base_recipe=$(sha256sum <"$here/images/debian.sh" | cut -c1-12)
wanted=
replaced=
# One question for all: a line "name stand-in? recipe id" for each name that there is.
there=$(docker image inspect --format \
  '{{$image := .}}{{range .RepoTags}}{{.}} {{index $image.Config.Labels "dev.coxswain.stand-in"}} {{index $image.Config.Labels "dev.coxswain.recipe"}} {{$image.Id}}{{"\n"}}{{end}}' \
  "$@" 2>/dev/null) || true
for name in "$@"; do
  expected=$recipe
  [ "$name" != debian:bookworm-slim ] || expected=$base_recipe
  found=$(printf '%s\n' "$there" | awk -v name="$name" '$1 == name { print; exit }')
  case ${found#"$name "} in
    "true $expected "*) ;;
    "true "*) wanted="$wanted $name"; replaced="$replaced ${found##* }" ;;
    "") wanted="$wanted $name" ;;
  esac
done
[ -n "$wanted" ] || exit 0

say() { printf 'images: %s\n' "$*"; }
pull() {
  say "pulling $1"
  # Not -q: a slow pull that shows progress is better than a silent one, but only errors belong in a log.
  timeout "$2" docker pull "$1" >/dev/null 2>"$problem"
}
problem=$(mktemp)
trap 'rm -f "$problem"' EXIT

if [ "$mode" != stand-in ]; then
  left=
  patience=${COXSWAIN_PULL_TIMEOUT:-20}
  for name in $wanted; do
    if pull "$name" "$patience"; then patience=3600; continue; fi
    [ "$mode" != pull ] || { cat "$problem" >&2; echo "images: $name cannot be pulled. Cure: look at the line above, or leave out COXSWAIN_IMAGES=pull." >&2; exit 1; }
    left="$left $name"
    # When the very first pull fails there is no registry to ask for the others.
    [ "$patience" = 3600 ] || { left=$wanted; break; }
  done
  wanted=$left
  [ -n "$wanted" ] || exit 0
  say "no registry answers ($(tail -n 1 "$problem" | cut -c1-140))"
fi
say "making stand-ins from Debian packages:$wanted"
started=$(date +%s)
step() { say "$1 ($(($(date +%s) - started)) s)"; }

# Without the plug-in for the new builder the old one is meant; saying so spares its warnings.
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0
context=$cache/context
build() {
  target=$1; shift
  if ! docker build --force-rm --target "$target" --label "dev.coxswain.recipe=$recipe" --label dev.coxswain.stand-in=true "$@" "$context" >"$cache/$target.log" 2>&1; then
    tail -n 20 "$cache/$target.log" >&2
    echo "images: the stand-in '$target' could not be built; all of the output is in $cache/$target.log" >&2
    exit 1
  fi
}

rm -rf "$context"
mkdir -p "$context"
cp "$here"/images/* "$context/"
if ! docker image inspect debian:bookworm-slim >/dev/null 2>&1 || case " $wanted " in *" debian:bookworm-slim "*) ;; *) false ;; esac; then
  "$here/images/debian.sh" "$base_recipe"
  step debian:bookworm-slim
fi
# What is made of nothing but the base comes before the slow part.
left=
for name in $wanted; do
  case $name in
    debian:*) ;;
    registry.k8s.io/pause:*) build pause -f "$context/compile.Dockerfile" -t "$name"; step "$name" ;;
    *) left="$left $name" ;;
  esac
done

# The one slow part, a compilation, is kept outside Docker as well: it outlives a cleared engine.
busybox=$cache/busybox-$(uname -m)-$(sha256sum <"$here/images/compile.Dockerfile" | cut -c1-12)
if [ -n "$left" ] && [ ! -x "$busybox" ]; then
  build packages &
  build busybox-program -f "$context/compile.Dockerfile" -t coxswain-busybox-program
  wait $!
  container=$(docker create coxswain-busybox-program)
  docker cp "$container:/busybox" "$busybox" >/dev/null
  docker rm "$container" >/dev/null
  docker rmi --no-prune coxswain-busybox-program >/dev/null
  step 'busybox compiled'
fi
[ -z "$left" ] || cp "$busybox" "$context/busybox"

for name in $left; do
  case $name in
    nginx:latest) build nginx -t "$name" --build-arg VERSION=1.28 ;;
    nginx:*) build nginx -t "$name" --build-arg "VERSION=${name#nginx:}" ;;
    *) build "${name%%:*}" -t "$name" ;;
  esac
  step "$name"
done
# What the new ones replaced; those still in use stay.
[ -z "$replaced" ] || docker rmi $replaced >/dev/null 2>&1 || true
