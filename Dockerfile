FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt requirements-data.txt ./
# The image serves Ollama's models: the demonstration model and its engine stay out of it.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements.txt \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes --no-deps -r requirements-data.txt \
    && /venv/bin/pip uninstall -qy pip xllamacpp \
    && printf '#!/bin/sh\nPYTHONPATH=/app exec /venv/bin/python -P -m entrypoints.cli "$@"\n' > /venv/bin/local-chat \
    && chmod +x /venv/bin/local-chat

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home app && install -d -o app -m 700 /data
WORKDIR /app
COPY --from=build /venv /venv
# The help of the command line explains the settings in its words.
COPY .env.example .env.example
COPY domain domain
COPY application application
COPY adapters adapters
COPY entrypoints entrypoints
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOST=0.0.0.0 LLM_BACKEND=ollama \
    RESPONSE_STORE=sqlite:////data/responses.sqlite3
USER app
# Where responses are kept; a volume here outlives the container.
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz\", timeout=2)"]
CMD ["python", "-m", "entrypoints.cli", "serve"]
