# What holds a pod's namespaces, from Debian's catatonit: it waits, buries orphans, and ends when told to. Apart from the other
# Dockerfile because the old builder runs every stage above the one it was asked for.

FROM debian:bookworm-slim AS pause-files
RUN apt-get update -q && cd /tmp && apt-get download -q catatonit && dpkg -x catatonit_*.deb /out && rm -rf /var/lib/apt/lists/*

FROM scratch AS pause
COPY --from=pause-files /out/usr/bin/catatonit /pause
LABEL dev.coxswain.stand-in=true
USER 65535:65535
ENTRYPOINT ["/pause", "-P"]
