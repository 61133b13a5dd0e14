#!/bin/sh
# Makes debian:bookworm-slim from a Debian mirror: the same packages as the public image, without manuals and translations.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
export PATH="$PATH:/usr/sbin:/sbin"
[ "$(id -u)" = 0 ] || exec sudo -- "$0" "$@"
"$here/../packages.sh" mmdebstrap

# The mirror this machine's apt uses, if it is a plain Debian one; COXSWAIN_DEBIAN_MIRROR overrides.
mirror=${COXSWAIN_DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian/?$' | head -n 1)}
[ -n "$mirror" ] || { echo "images: apt knows no Debian mirror here, and COXSWAIN_DEBIAN_MIRROR names none. Cure: set it, see .env.example" >&2; exit 1; }
mirror=${mirror%/}
security=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | grep -E '/debian-security/?$' | head -n 1)
security=${security:-$mirror-security}
security=${security%/}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make_root() {
  TMPDIR=$1 mmdebstrap -q --variant=minbase --mode=root --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr --include=usr-is-merged \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
    bookworm "$work/root.tar" "deb $mirror bookworm main" "deb $mirror bookworm-updates main" "deb $security bookworm-security main" >"$work/log" 2>&1
}
# In memory it takes half the time, where there is room and devices may be made.
free=$(df -Pm /dev/shm 2>/dev/null | awk 'NR==2 {print $4}')
if ! { [ "${free:-0}" -gt 1024 ] && make_root /dev/shm; } && ! make_root "${TMPDIR:-/var/tmp}"; then
  tail -n 20 "$work/log" >&2
  echo "images: debian:bookworm-slim could not be made from $mirror. Cure: set COXSWAIN_DEBIAN_MIRROR to a mirror this machine reaches." >&2
  exit 1
fi
docker import -c 'CMD ["bash"]' -c 'LABEL dev.coxswain.stand-in=true' ${1:+-c "LABEL dev.coxswain.recipe=$1"} "$work/root.tar" debian:bookworm-slim >/dev/null
