# syntax=docker/dockerfile:1
# Builds gscoordinator and packs it into a small image that holds the binary, the libraries it needs, and nothing else.
#   docker build -t gscoordinator .
#   docker run --rm --network host -v /data:/data:ro gscoordinator
# It listens on loopback only while there is no authentication, hence --network host; graphs are loaded from paths that
# the container sees, hence the volume.

ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:12-slim

FROM ${SWIFT_IMAGE} AS build
WORKDIR /src
COPY scripts/install-system-packages.sh scripts/
RUN scripts/install-system-packages.sh build && rm -rf /var/lib/apt/lists/*
# Dependencies first: they change seldom, and their layer is then taken from the cache.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
COPY Benchmarks Benchmarks
RUN swift build -c release --static-swift-stdlib --product gscoordinator \
    && install -D -s .build/release/gscoordinator /out/gscoordinator

FROM ${RUNTIME_IMAGE}
COPY scripts/install-system-packages.sh /tmp/
RUN /tmp/install-system-packages.sh run && rm -rf /var/lib/apt/lists/* /tmp/install-system-packages.sh \
    && useradd --system --home-dir /var/lib/gscoordinator --create-home --shell /usr/sbin/nologin gscoordinator
COPY --from=build /out/gscoordinator /usr/local/bin/gscoordinator
USER gscoordinator
ENV GSCOORDINATOR_PORT=63800 \
    GSCOORDINATOR_WORKSPACE=/var/lib/gscoordinator
VOLUME /var/lib/gscoordinator
EXPOSE 63800
HEALTHCHECK --interval=10s --timeout=3s --start-period=2s \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$GSCOORDINATOR_PORT"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/gscoordinator"]
