#!/bin/sh
# The host is asked to stop: pods first, while network and Services still work, then the rest. Run by s6 on TERM.
# The kubelet goes before the pods, so that it neither restarts them nor reports them as ended: they are to run again at the next start.
touch /run/coxswain/stopping
s6-svc -wD -T 5000 -d /service/kubelet
containers=$(docker ps -q 2>/dev/null)
# shellcheck disable=SC2086
[ -z "$containers" ] || docker stop -t "${COXSWAIN_POD_STOP_SECONDS:-25}" $containers >/dev/null 2>&1
s6-svscanctl -t /service
