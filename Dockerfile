# One image for every role; the command picks it: `postern gateway`, `postern consumers`, `postern run`, ...
#
#   docker build -t postern:0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" .
#
# Everything that is fetched is fetched here; nothing is at run time. The locked packages are checked by hash. The
# base is pinned by tag; pin it by content as well with what your registry says:
#
#   docker buildx imagetools inspect python:3.13-slim-bookworm --format '{{.Manifest.Digest}}'
#   docker build --build-arg BASE=python:3.13-slim-bookworm@sha256:... .
#
# Debian and not Alpine, since the CEL engine has no wheels for musl. `python -m tests.image.replay` does the steps of
# the first stage without Docker.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN ["python", "-m", "venv", "/opt/postern"]
# The packages come first: this layer stays as long as the lock file does. With those for traces, which are loaded only
# where POSTERN_TRACES asks for them.
COPY requirements-otel.txt ./
RUN ["/opt/postern/bin/python", "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", \
     "-r", "requirements-otel.txt"]
COPY pyproject.toml README.md LICENSE ./
COPY core/ core/
COPY vendors/ vendors/
COPY gateway/ gateway/
COPY consumers/ consumers/
COPY sandbox/ sandbox/
COPY cli/ cli/
RUN ["/opt/postern/bin/python", "-m", "pip", "install", "--no-deps", "--no-build-isolation", "."]
# What installs is of no use to what runs, only to somebody who should not be there.
RUN ["/opt/postern/bin/python", "-m", "pip", "uninstall", "--yes", "setuptools", "pip"]

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="postern" \
      org.opencontainers.image.description="Event-driven webhook gateway: business events in, calls to a marketing platform and an SMS gateway out." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A fixed number, so that volumes and policies can name it; no login, no home.
RUN ["groupadd", "--gid", "10001", "postern"]
RUN ["useradd", "--uid", "10001", "--gid", "10001", "--no-create-home", "--home-dir", "/nonexistent", \
     "--shell", "/usr/sbin/nologin", "postern"]
RUN ["install", "--directory", "--owner=10001", "--group=10001", "--mode=0750", "/var/lib/postern"]
RUN ["install", "--directory", "--mode=0755", "/etc/postern"]
COPY --from=builder /opt/postern /opt/postern
# The root file system may be read-only: no byte code is written (it was at the build), data go to the volume.
ENV PATH=/opt/postern/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    POSTERN_CONFIG=/etc/postern/postern.yaml \
    POSTERN_DATA=/var/lib/postern \
    POSTERN_LISTEN=:8080 \
    POSTERN_ADMIN=:9080
USER 10001:10001
WORKDIR /var/lib/postern
VOLUME ["/var/lib/postern"]
EXPOSE 8080 9080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["postern", "health"]
ENTRYPOINT ["postern"]
CMD ["--help"]
