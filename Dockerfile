# Second Coder: the service, its worker and the command line in one image.
#
#   docker build --tag second-coder [--build-arg TORCH_INDEX=URL] .
#
# Nothing is fetched at run time: the encoder's weights come with the installation.
FROM python:3.11-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/second-coder
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY annotations annotations
COPY models models
COPY training training
COPY service service
# torch first and by its exact version, from an index of builds without a GPU's libraries, if one is
# named: they are gigabytes.
ARG TORCH_INDEX=
RUN /opt/second-coder/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch==2.13.0 \
    && /opt/second-coder/bin/pip install --constraint constraints.txt .

FROM python:3.11-slim-bookworm

RUN groupadd --gid 10001 second-coder \
    && useradd --uid 10001 --gid second-coder --no-create-home --home-dir /var/lib/second-coder \
        --shell /usr/sbin/nologin second-coder \
    && install --directory --owner second-coder --group second-coder --mode 0700 \
        /var/lib/second-coder /var/lib/second-coder-models
COPY --from=build /opt/second-coder /opt/second-coder

ENV PATH=/opt/second-coder/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    HF_HOME=/tmp/huggingface \
    SECOND_CODER_HOME=/var/lib/second-coder \
    SECOND_CODER_HOST=0.0.0.0 \
    SECOND_CODER_LOG_FORMAT=json
USER 10001:10001
WORKDIR /var/lib/second-coder
VOLUME ["/var/lib/second-coder", "/var/lib/second-coder-models"]
EXPOSE 9090
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9090/health', timeout=4)"]
ENTRYPOINT ["second-coder"]
CMD ["serve"]
