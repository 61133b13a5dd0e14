#!/bin/bash
# Healthy when the processes named say so: health.sh kubelet:10248 dns:10258, or with another question than /healthz: apiserver:10250/readyz
# Without a program per question: this runs every few seconds in every container.
for endpoint in "$@"; do
  port=${endpoint#*:}
  path=/healthz
  case $port in */*) path=/${port#*/} port=${port%%/*} ;; esac
  if ! exec 3<>"/dev/tcp/127.0.0.1/$port"; then echo "${endpoint%:*} does not listen"; exit 1; fi
  printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "$path" >&3
  read -r -t 3 _ status _ <&3
  exec 3>&-
  [ "$status" = 200 ] || { echo "${endpoint%:*} is not healthy (${status:-no answer})"; exit 1; }
done
