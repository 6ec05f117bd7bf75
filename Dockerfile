# The connector alone: no embedded broker, simulator, demo or tests, no compiler, no package manager.
#
#   docker build --tag benzinga-kafka .
#   docker run --rm --read-only --tmpfs /tmp benzinga-kafka source --config ...
#
# Two builds of one commit have the same layers, bit for bit, where the builder sets the time of files:
# SOURCE_DATE_EPOCH with `docker buildx build --output type=image,rewrite-timestamp=true`, or `buildah build --timestamp`.

# The digest is that of the index of all architectures (Python 3.13.15, Debian 13); the tag says what it is.
ARG PYTHON_IMAGE=python:3.13-slim-trixie@sha256:8d9d0b8bcf6506481eae4907c18f5e3e7902e629f5f6d684f9e7c32e85e3ddf0

FROM ${PYTHON_IMAGE} AS build

# A fixed time by default: the wheel's files carry it.
ARG SOURCE_DATE_EPOCH=1577836800
# requirements-otel.lock: with OpenTelemetry, for `tracing`.
ARG REQUIREMENTS=requirements.lock
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /src

# Dependencies first: they change more rarely than the code. Nothing is compiled: wheels only, each with its hash.
COPY ${REQUIREMENTS} requirements-build.lock ./
RUN python -m venv --without-pip /opt/benzinga-kafka \
    && python -m pip --python /opt/benzinga-kafka/bin/python install \
        --require-hashes --no-deps --only-binary :all: --no-compile --requirement "${REQUIREMENTS}" \
    && python -m pip install \
        --require-hashes --no-deps --only-binary :all: --no-compile --requirement requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY schemas/ schemas/
COPY connector/ connector/

# What development needs stays out, and what is left is compiled once: the root file system is read-only at run time.
RUN rm -rf connector/demo connector/embedded connector/simulator connector/commands/demo.py connector/commands/simulate.py \
    && sed -i '/connector\/demo\//d' pyproject.toml \
    && python -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /tmp/dist . \
    && python -m pip --python /opt/benzinga-kafka/bin/python install --no-index --no-deps --no-compile /tmp/dist/*.whl \
    && find /opt/benzinga-kafka/bin -type f ! -name benzinga-kafka -delete \
    && /opt/benzinga-kafka/bin/python -m compileall -qf --invalidation-mode unchecked-hash /opt/benzinga-kafka/lib


FROM ${PYTHON_IMAGE}

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="benzinga-kafka" \
      org.opencontainers.image.description="Benzinga's real-time WebSocket streams in Apache Kafka: Avro, exactly once." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="python:3.13-slim-trixie"

# A user without a name would do for us, but not for everything that looks one up. pip has done its work.
RUN echo 'benzinga:x:10001:' >> /etc/group \
    && echo 'benzinga:x:10001:10001::/var/lib/benzinga-kafka:/usr/sbin/nologin' >> /etc/passwd \
    && mkdir -p /var/lib/benzinga-kafka \
    && chown 10001:10001 /var/lib/benzinga-kafka \
    && python -m pip uninstall --yes --quiet --root-user-action ignore pip

COPY --from=build /opt/benzinga-kafka /opt/benzinga-kafka

ENV PATH=/opt/benzinga-kafka/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

# The journal is below it (`source.journal.dir`); all else is read-only.
VOLUME /var/lib/benzinga-kafka
WORKDIR /var/lib/benzinga-kafka
USER 10001:10001
EXPOSE 9108
STOPSIGNAL SIGTERM

# Kubernetes has probes of its own; for everybody else: the process makes progress.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import http.client as h, os, sys; c = h.HTTPConnection('127.0.0.1', int(os.environ.get('BENZINGA_HTTP__PORT', 9108)), timeout=4); c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]

ENTRYPOINT ["benzinga-kafka"]
CMD ["--help"]
