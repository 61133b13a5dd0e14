#!/bin/sh
# Makes a Docker Engine available. Does nothing when one answers already; otherwise installs Debian's engine, starts it and
# waits until it answers. Safe to call at the start of everything that needs Docker.
#
#   COXSWAIN_ENGINE_LOG       where an engine started from here writes (default /var/log/coxswain-dockerd.log)
#   COXSWAIN_ENGINE_TIMEOUT   seconds it may take to answer (default 30)
set -eu
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
log=${COXSWAIN_ENGINE_LOG:-/var/log/coxswain-dockerd.log}
patience=${COXSWAIN_ENGINE_TIMEOUT:-30}
pidfile=/run/docker.pid
[ -d /run ] || pidfile=/var/run/docker.pid

answers() { docker version --format '{{.Server.Version}}' 2>/dev/null; }
fail() { echo "engine: $1" >&2; echo "engine: cure: $2" >&2; exit 1; }

if command -v docker >/dev/null 2>&1 && answers >/dev/null; then exit 0; fi

case ${DOCKER_HOST:-} in
  '' | unix:///var/run/docker.sock | unix:///run/docker.sock) ;;
  *) fail "the engine DOCKER_HOST names ($DOCKER_HOST) does not answer" "start that engine, or unset DOCKER_HOST to use one on this machine" ;;
esac
if [ "$(uname -s)" != Linux ]; then
  fail "no Docker Engine answers on this machine" "start Docker Desktop (or another engine for $(uname -s)) and run this again"
fi
if [ "$(id -u)" != 0 ]; then
  case $(docker version 2>&1 || true) in
    *'permission denied'*) fail "a Docker Engine is here, but user $(id -un) may not use it" "sudo usermod -aG docker $(id -un), then log in again; or run this as root" ;;
  esac
fi
root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null 2>&1 || fail "no Docker Engine answers, and starting one needs root" "start Docker as root, or install sudo"
  root=sudo
fi

"$here/packages.sh" docker.io

await() {
  # The engine is asked again and again because it has no other way to say that it is ready.
  end=$(( $(date +%s) + patience ))
  until version=$(answers); do
    if [ -n "${engine_pid:-}" ] && ! $root kill -0 "$engine_pid" 2>/dev/null; then return 1; fi
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 0.1
  done
}

if [ -d /run/systemd/system ]; then
  echo "engine: starting Docker by systemd"
  $root systemctl start docker || fail "systemd could not start Docker" "journalctl -u docker -n 50 shows why"
  await || fail "Docker was started but does not answer within ${patience} s" "journalctl -u docker -n 50 shows why"
  echo "engine: Docker $version answers"
  exit 0
fi

# Files of an engine that ended without tidying up: the number in a pid file may belong to another process by now, and a
# new engine refuses to start (or waits for a containerd that is not one) while that process lives.
process_named() { [ -f "$2" ] && [ "$(cat "/proc/$(cat "$2")/comm" 2>/dev/null || true)" = "$1" ]; }
if process_named dockerd "$pidfile"; then
  engine_pid=$(cat "$pidfile")
  echo "engine: dockerd is there but does not answer yet (process $engine_pid); waiting for it"
  if await; then exit 0; fi
  # It may have been ending rather than starting.
  $root kill -0 "$engine_pid" 2>/dev/null || engine_pid=
fi

if [ -z "${engine_pid:-}" ]; then
  $root rm -f "$pidfile"
  process_named containerd /run/docker/containerd/containerd.pid || $root rm -f /run/docker/containerd/containerd.pid
  [ -n "$root" ] || touch "$log" 2>/dev/null || { mkdir -p "$here/../.cache"; log=$(CDPATH='' cd -- "$here/../.cache" && pwd)/dockerd.log; }
  echo "engine: starting dockerd in the background (log: $log)"
  # setsid: the engine must not end with the terminal or the make that started it.
  engine_pid=$($root setsid sh -c 'log=$1; shift; dockerd "$@" >>"$log" 2>&1 </dev/null & echo $!' sh "$log" ${COXSWAIN_ENGINE_FLAGS:-})
fi
if ! await; then
  echo "engine: the end of $log:" >&2
  $root tail -n 8 "$log" >&2 || true
  if $root kill -0 "$engine_pid" 2>/dev/null; then
    fail "dockerd (process $engine_pid) does not answer within ${patience} s" "the lines above say what it waits for; COXSWAIN_ENGINE_TIMEOUT gives it longer"
  fi
  fail "dockerd ended while starting" "the lines above say why; most often: no overlay file system, no iptables, or a full disk"
fi
driver=$(docker info --format '{{.Driver}}')
echo "engine: Docker $version answers (storage: $driver)"
if [ "$driver" = vfs ]; then
  echo "engine: warning: the vfs driver copies whole images for each container; put /var/lib/docker on ext4 or xfs for overlay2" >&2
fi
