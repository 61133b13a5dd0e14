#!/bin/sh
# The host is asked to stop: pods first, while network and Services still work, then the rest. Run by s6 on TERM.
# The kubelet goes before the pods, so that it neither restarts them nor reports them as ended: they are to run again at the next start.
touch /run/coxswain/stopping
# Where the machine is to wait for its pods it is the kubelet that ends them, and tells so: whoever owns them makes others elsewhere.
if [ -n "${COXSWAIN_SHUTDOWN_GRACE_PERIOD:-}" ] && [ "$COXSWAIN_SHUTDOWN_GRACE_PERIOD" != 0 ]; then
  s6-svc -O /service/kubelet
  pid=$(s6-svstat -o pid /service/kubelet)
  # One that is down has the pid -1, and a signal to that is one to everybody.
  [ "$pid" -gt 0 ] && kill -PWR "$pid" && s6-svwait -D -t 35000 /service/kubelet
fi
s6-svc -wD -T 5000 -d /service/kubelet
# Each container gets the grace its pod asks for (a label of the kubelet's), but no more than the host itself has.
most=${COXSWAIN_POD_STOP_SECONDS:-25}
bounded() { if [ "${1:-0}" -le "$most" ]; then echo "${1:-0}"; else echo "$most"; fi; }
in_containerd() { ctr -n k8s.io "$@"; }
# ctr knows no stop: the image's signal, time, and KILL.
stop_task() {
  about=$(in_containerd containers info "$1")
  grace=$(printf '%s' "$about" | sed -n 's/.*"coxswain.grace-seconds": "\([0-9]*\)".*/\1/p')
  signal=$(printf '%s' "$about" | sed -n 's/.*"io.containerd.image.config.stop-signal": "\([A-Z0-9+]*\)".*/\1/p')
  # A sandbox has no grace of its own, and goes with the host.
  [ -n "$grace" ] || return 0
  in_containerd tasks kill --signal "${signal:-SIGTERM}" "$1"
  deadline=$(($(date +%s) + $(bounded "$grace")))
  while in_containerd tasks ls | grep -q "^$1 .*RUNNING" && [ "$(date +%s)" -lt "$deadline" ]; do sleep 0.2; done
  in_containerd tasks kill --signal SIGKILL "$1"
}
if [ "${COXSWAIN_RUNTIME:-docker}" = containerd ]; then
  for id in $(in_containerd tasks ls -q); do stop_task "$id" >/dev/null 2>&1 & done
  wait
else
  docker ps --format '{{.ID}} {{.Label "coxswain.grace-seconds"}}' 2>/dev/null | {
    while read -r id grace; do
      docker stop -t "$(bounded "$grace")" "$id" >/dev/null 2>&1 &
    done
    wait
  }
fi
s6-svscanctl -t /service
