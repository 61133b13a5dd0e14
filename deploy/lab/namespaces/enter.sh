#!/bin/bash
# Runs a program on a machine of a lab: enter.sh GROUP FIRST-PROCESS COMMAND…
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
group=$1 first=$2
shift 2
"$(dirname -- "$0")/groups.sh" enter "$group" $$
exec nsenter --target "$first" --mount --uts --ipc --net --pid --cgroup -- "$@"
