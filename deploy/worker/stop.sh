#!/bin/sh
# The host is asked to stop: pods first, while network and Services still work, then the rest. Run by s6 on TERM.
# The kubelet goes before the pods, so that it neither restarts them nor reports them as ended: they are to run again at the next start.
touch /run/coxswain/stopping
s6-svc -wD -T 5000 -d /service/kubelet
# Each container gets the grace its pod asks for (a label of the kubelet's), but no more than the host itself has.
most=${COXSWAIN_POD_STOP_SECONDS:-25}
docker ps --format '{{.ID}} {{.Label "coxswain.grace-seconds"}}' 2>/dev/null | {
  while read -r id grace; do
    [ "${grace:-0}" -le "$most" ] || grace=$most
    docker stop -t "${grace:-0}" "$id" >/dev/null 2>&1 &
  done
  wait
}
s6-svscanctl -t /service
