#!/bin/sh
# Called by s6 when a process has ended, before it is started again: at once the first time, then after 1, 2, 4, 8, 10 seconds;
# a minute of running forgets the past.   back-off.sh SERVICE EXIT-CODE SIGNAL
service=$1 code=$2 signal=$3
[ ! -e /run/coxswain/stopping ] || exit 0
record=/run/coxswain/$service.ends
now=$(date +%s)
count=0
last=0
[ ! -r "$record" ] || read -r count last <"$record"
[ $((now - last)) -le 60 ] || count=0
case $count in 0) delay=0 ;; 1) delay=1 ;; 2) delay=2 ;; 3) delay=4 ;; 4) delay=8 ;; *) delay=10 ;; esac
if [ "$code" = 256 ]; then how="was killed by signal $signal"; else how="ended with exit code $code"; fi
echo "worker: $service $how; starting it again in $delay s" >&2
sleep "$delay"
echo "$((count + 1)) $(date +%s)" >"$record"
