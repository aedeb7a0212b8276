"""The settings: names, types, defaults, and what follows from one of them alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from entrypoints.settings.addresses import LOOPBACK

Port = Annotated[int, Meta(ge=0, le=65535)]
_YEAR_S = 31_536_000
Seconds = Annotated[float, Meta(gt=0, le=_YEAR_S)]
SecondsOrNever = Annotated[float, Meta(ge=0, le=_YEAR_S)]
Count = Annotated[int, Meta(ge=1)]

# What the address of a store begins with.
SQLITE = "sqlite:///"
STORE_SERVERS = frozenset({"redis", "rediss", "valkey", "valkeys"})


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting under its variable's name in lower case. `.env.example` explains them."""

    host: str = "127.0.0.1"
    port: Port = 8000
    # Processes that serve; with one there is no other.
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    api_key: str = ""
    # A file of further keys, one a line; domain/key_lines.py says what a line holds.
    api_key_file: str = ""
    allow_no_auth: bool = False
    allowed_hosts: str = ""
    llm_backend: Literal["auto", "ollama", "openai", "embedded", "scripted"] = "auto"
    # Where Ollama is, and where other engines are: several, comma-separated, share the work.
    ollama_url: str = ""
    upstream_url: str = ""
    # The engines' own key; the keys of clients never leave the service.
    upstream_api_key: str = ""
    default_model: str = ""
    default_temperature: Annotated[float, Meta(ge=0, le=2)] | None = 0.7
    num_ctx: Count | None = None
    model_num_ctx: str = ""
    embedded_model_path: str = ""
    embedded_threads: Count | None = None
    embedded_parallel: Annotated[int, Meta(ge=1, le=16)] = 2
    embedded_context: Count = 4096
    # Rules by which the backend `scripted` answers; recordings that it replays, others write.
    script_file: str = ""
    record_file: str = ""
    # NAME=MODEL, comma-separated: further names of models, for tools with hard-wired ones.
    model_aliases: str = ""
    # DELETE /v1/models/{model} removes a model from Ollama's disk.
    allow_model_delete: bool = False
    # Pages that may ask from a browser: https://chat.example.com, comma-separated; * for all.
    cors_origins: str = ""
    image_url_hosts: str = ""
    connect_timeout_s: Seconds = 2.0
    first_token_timeout_s: Seconds = 600.0
    idle_timeout_s: Seconds = 120.0
    total_timeout_s: Seconds = 3600.0
    heartbeat_after_s: SecondsOrNever = 15.0
    queue_timeout_s: Seconds = 300.0
    header_timeout_s: Seconds = 10.0
    body_timeout_s: Seconds = 60.0
    write_timeout_s: Seconds = 30.0
    websocket_idle_timeout_s: Seconds = 600.0
    responses_shape: Literal["auto", "simple", "openai"] = "auto"
    response_store: str = "sqlite:///data/responses.sqlite3"
    response_ttl_days: Annotated[int, Meta(ge=1, le=36_500)] = 30
    response_store_bytes: Count | None = None
    shutdown_grace_s: Seconds = 30.0
    max_concurrency: Count = 8
    max_queue: Annotated[int, Meta(ge=0)] = 64
    max_body_bytes: Count = 20 * 1024 * 1024
    max_header_bytes: Annotated[int, Meta(ge=1024)] = 64 * 1024
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    metrics_public: bool = False
    # Where traces go, by OTLP over HTTP: http://localhost:4318; empty for none.
    otel_exporter_otlp_endpoint: str = ""

    @property
    def api_keys(self) -> tuple[str, ...]:
        """The keys that open the service; none for no authentication."""
        return tuple(entries(self.api_key))

    @property
    def key_file(self) -> Path | None:
        """The file of further keys; None for no such file."""
        return Path(self.api_key_file) if self.api_key_file else None

    @property
    def guarded(self) -> bool:
        """Whether whoever asks needs a key."""
        return bool(self.api_keys) or self.key_file is not None

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the service."""
        return self.host in LOOPBACK

    @property
    def model_servers(self) -> tuple[str, ...]:
        """The base URLs of the servers that run the models; none where this process does."""
        by_backend = {"ollama": self.ollama_url, "openai": self.upstream_url}
        return tuple(entries(by_backend.get(self.llm_backend, "")))

    @property
    def uses_engines(self) -> bool:
        """Whether models run on servers that speak OpenAI's API."""
        return self.llm_backend == "openai"

    @property
    def gguf(self) -> Path | None:
        """The file that the embedded engine runs; None for the bundled model."""
        return Path(self.embedded_model_path) if self.embedded_model_path else None

    @property
    def threads(self) -> int:
        """Threads of the embedded engine: half the cores unless set; with all, it crawls."""
        return self.embedded_threads or max(1, (os.cpu_count() or 2) // 2)

    @property
    def windows(self) -> dict[str, int]:
        """Context lengths by model."""
        pairs = (entry.rpartition("=") for entry in entries(self.model_num_ctx))
        return {name.strip(): int(length) for name, _, length in pairs}

    @property
    def aliases(self) -> dict[str, str]:
        """Models by the further names that stand for them."""
        pairs = (entry.partition("=") for entry in entries(self.model_aliases))
        return {alias.strip(): model.strip() for alias, _, model in pairs}

    @property
    def origins(self) -> tuple[str, ...]:
        """Origins of pages that may ask; none for no cross-origin requests."""
        return tuple(entries(self.cors_origins))

    @property
    def store_kind(self) -> str:
        """What keeps responses: ``memory``, ``sqlite``, ``valkey`` or ``none``."""
        scheme = self.response_store.partition("://")[0]
        return "valkey" if scheme in STORE_SERVERS else scheme

    @property
    def keeps(self) -> bool:
        """Whether responses are kept at all."""
        return self.store_kind != "none"

    @property
    def store_path(self) -> Path:
        """The file of ``sqlite``: after three slashes from here, after four from the root."""
        return Path(self.response_store.removeprefix(SQLITE))

    @property
    def hosts(self) -> tuple[str, ...]:
        """Names under which the service answers; none for any.

        A service for this machine alone answers to this machine's own names.
        """
        if self.allowed_hosts:
            return tuple(host.lower() for host in entries(self.allowed_hosts) if host != "*")
        return tuple(sorted(LOOPBACK)) if self.is_local else ()

    @property
    def image_hosts(self) -> tuple[str, ...]:
        """Hosts from which images may be fetched."""
        return tuple(host.lower() for host in entries(self.image_url_hosts))


def entries(text: str) -> list[str]:
    """Return what a comma-separated list has."""
    return [part.strip() for part in text.split(",") if part.strip()]
