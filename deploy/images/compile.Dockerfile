# The two programs that no Debian package has as they are needed here. Apart from the other Dockerfile because the old builder
# runs every stage above the one it was asked for.

FROM debian:bookworm-slim AS compiler
RUN apt-get update -q \
 && apt-get install -y -q --no-install-recommends gcc libc6-dev make bzip2 linux-libc-dev \
 && rm -rf /var/lib/apt/lists/*

FROM compiler AS pause-program
COPY pause.c /
RUN gcc -Os -static -s -Wall -Werror -o /pause /pause.c

FROM scratch AS pause
COPY --from=pause-program /pause /pause
LABEL dev.coxswain.stand-in=true
USER 65535:65535
ENTRYPOINT ["/pause"]

# Debian builds its busybox without wget's time limit (-T crashes), so its source is compiled here with everything in. With -O1 it takes a sixth
# less of two processors; a first start waits for nothing longer.
FROM compiler AS busybox-program
RUN echo "deb-src $(sed -n 's/^deb \([^ ]*\) \([^ ]*\) main.*/\1 \2/p' /etc/apt/sources.list | head -n 1) main" >/etc/apt/sources.list.d/source.list \
 && apt-get update -q && mkdir /src && cd /src && apt-get source -q --download-only busybox \
 && tar --strip-components=1 -xjf busybox_*.orig.tar.bz2 && make -s defconfig >/dev/null \
 && sed -i -e 's/.*CONFIG_STATIC is not set/CONFIG_STATIC=y/' -e 's/^CONFIG_TC=y/# CONFIG_TC is not set/' -e 's/^CONFIG_EXTRA_CFLAGS=.*/CONFIG_EXTRA_CFLAGS="-O1"/' .config \
 && (make -s -j"$(nproc)" >/log 2>&1 || (tail -n 30 /log; exit 1)) && cp busybox /busybox && rm -rf /src
