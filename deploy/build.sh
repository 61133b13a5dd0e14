#!/bin/sh
# Builds the images of the cluster from this checkout, unless they are up to date.
#   --force                  builds in any case (after a change of the base image, say)
#   COXSWAIN_HA=1            also <prefix>/high-availability, which only a highly available cluster has
#   COXSWAIN_IMAGE_PREFIX    what the images are called: <prefix>/control-plane and <prefix>/worker (default coxswain)
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$here/.."
logs=.cache/images
prefix=${COXSWAIN_IMAGE_PREFIX:-coxswain}
mkdir -p "$logs"
# Without the plug-in for the new builder the old one is meant; saying so spares its warnings.
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0

# Everything that goes in: source, the packages' versions, the recipe, the base images.
bases=$(docker image inspect --format '{{.Id}}' debian:bookworm-slim registry.k8s.io/pause:3.10 2>/dev/null) || bases=absent
digest() {
  { find "$@" deploy/worker shared package.json package-lock.json .dockerignore deploy/Dockerfile deploy/strip-types.ts deploy/warm.ts deploy/health.sh deploy/coxswain.sh \
      -type f ! -name '*.test.ts' ! -name '*.log' -print0 | sort -z | xargs -0 sha256sum
    echo "$bases"
  } | sha256sum | cut -c1-16
}
built() { docker image inspect --format '{{index .Config.Labels "dev.coxswain.source"}}' "$1" 2>/dev/null || true; }

build() {
  target=$1 source=$2
  if ! docker build --force-rm -f deploy/Dockerfile --target "$target" --label "dev.coxswain.source=$source" -t "$prefix/$target:latest" . >"$logs/$target.log" 2>&1; then
    tail -n 20 "$logs/$target.log" >&2
    echo "build: the image $prefix/$target could not be built; all of the output is in $logs/$target.log" >&2
    return 1
  fi
  echo "build: $prefix/$target"
}

# The dashboard's page is made here, and not in the image: what makes it is larger than all of the image's packages.
tools/node tools/build-dashboard.ts
jobs=
control_plane=$(digest apiserver controller-manager cloud-controller-manager scheduler ingress dashboard)
worker=$(digest kubelet kube-proxy dns)
[ "${1:-}" != --force ] && [ "$(built "$prefix/control-plane:latest")" = "$control_plane" ] || { build control-plane "$control_plane" & jobs="$jobs $!"; }
first=$jobs
[ "${1:-}" != --force ] && [ "$(built "$prefix/worker:latest")" = "$worker" ] || { build worker "$worker" & jobs="$jobs $!"; }
if [ "${COXSWAIN_HA:-}" = 1 ]; then
  # On top of the control plane's, so after it.
  high_availability=$(digest apiserver controller-manager cloud-controller-manager scheduler ingress deploy/high-availability deploy/anonymous-status.ts)
  for job in $first; do wait "$job" || exit 1; done
  jobs=${jobs#"$first"}
  [ "${1:-}" != --force ] && [ "$(built "$prefix/high-availability:latest")" = "$high_availability" ] || { build high-availability "$high_availability" & jobs="$jobs $!"; }
fi
for job in $jobs; do wait "$job" || exit 1; done
[ -z "$first$jobs" ] || docker image prune -f --filter label=dev.coxswain.source >/dev/null
