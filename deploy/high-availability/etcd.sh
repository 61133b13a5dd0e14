#!/bin/sh
# A member of etcd, named as its container: papers first, then etcd itself. What it is told beside this comes by etcd's own variables (ETCD_…).
set -eu
name=$(hostname)
pki=/etc/etcd
node /coxswain/deploy/high-availability/etcd-papers.js "$name" $pki /etc/etcd-client
# The third listener is for health checks, without TLS and on loopback only.
exec etcd --name="$name" --data-dir=/var/lib/etcd/data --logger=zap --log-level=warn \
  --listen-client-urls=https://0.0.0.0:2379 --advertise-client-urls="https://$name:2379" \
  --listen-peer-urls=https://0.0.0.0:2380 --initial-advertise-peer-urls="https://$name:2380" \
  --listen-metrics-urls=http://127.0.0.1:2381 \
  --trusted-ca-file=$pki/ca.crt --cert-file="$pki/$name.crt" --key-file="$pki/$name.key" --client-cert-auth \
  --peer-trusted-ca-file=$pki/ca.crt --peer-cert-file="$pki/$name.crt" --peer-key-file="$pki/$name.key" --peer-client-cert-auth
