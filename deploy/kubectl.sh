#!/bin/sh
# Prints where a kubectl is: the one on the path, or one from Debian's packages that is kept in .cache (nothing is installed).
#   COXSWAIN_KUBECTL=fetch   takes the one from Debian in any case
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ "${COXSWAIN_KUBECTL:-path}" = path ] && command -v kubectl; then exit 0; fi
cache=$here/../.cache/kubectl
if [ -x "$cache/usr/bin/kubectl" ]; then (cd "$cache" && echo "$PWD/usr/bin/kubectl"); exit 0; fi

fail() { echo "kubectl: $1. Cure: put a kubectl of version 1.31 or newer on the path (https://kubernetes.io/docs/tasks/tools/)." >&2; exit 1; }
command -v apt-get >/dev/null 2>&1 || fail 'there is none on the path, and no apt-get to fetch one with'
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r $keyring ] || fail "there is none on the path, and $keyring, which vouches for Debian's packages, is missing"
mirror=${COXSWAIN_DEBIAN_MIRROR:-$(sed -nE 's,^(URIs:|deb( +\[[^]]*\])?) *([^ ]+/debian)/?( .*)?$,\3,p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)}
[ -n "$mirror" ] || fail 'there is none on the path, apt knows no Debian mirror here, and COXSWAIN_DEBIAN_MIRROR names none'
echo "kubectl: there is none on the path; fetching Debian's package of it into .cache/kubectl" >&2

# Package lists of its own: the machine's stay as they are.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
echo "deb [signed-by=$keyring] $mirror sid main" >"$work/sources.list"
own="-o Dir::Etc::sourcelist=$work/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache
  -o Dir::State::status=/dev/null -o Acquire::Languages=none -o APT::Sandbox::User=root"
cd "$work"
# shellcheck disable=SC2086
apt-get $own -q update >log 2>&1 && apt-get $own -q download kubectl >>log 2>&1 || { tail -n 5 log >&2; fail 'Debian has not handed out its package'; }
rm -rf "$cache"
mkdir -p "$cache"
dpkg -x kubectl_*.deb "$cache"
cd "$cache"
echo "$PWD/usr/bin/kubectl"
