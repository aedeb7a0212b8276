"""``serve``: run the HTTP service."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

import uvicorn

from entrypoints import logging
from entrypoints.cli.open_files import raise_limit
from entrypoints.container import Container, decide
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.http.protocol import ConnectionLimits, GuardedProtocol
from entrypoints.http.socket_protocol import GuardedSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from entrypoints.settings import Settings

_COULD_NOT_START = 3
_SHORTEST_SAFE_KEY = 16
# Longer than clients keep a connection (httpx, and with it OpenAI's SDK: 5 s; Node: 4 s; proxies:
# 60 s): whoever closes first decides whether a request can be lost between the two.
_KEEP_ALIVE_S = 65
# Requests that are cut end at once; what does not is ended by uvicorn so much later.
_FUSE_S = 2
# Objects that came, less those that went, between two looks of the collector.
_COLLECT_EVERY = 20_000


def run(settings: Settings) -> int:
    """Serve until told to stop; return the exit code."""
    logging.configure(settings.log_level, settings.log_format)
    settings = decide(settings)
    print(banner(settings), file=sys.stderr, flush=True)
    if warning := raise_limit(settings):
        print(warning, file=sys.stderr, flush=True)
    drain = Drain()
    container = Container(settings=settings)
    config = uvicorn.Config(
        create_app(container, drain),
        http=partial(GuardedProtocol, limits=_limits(settings)),  # type: ignore[arg-type]  # called
        ws=partial(GuardedSocket, write_s=settings.write_timeout_s),  # type: ignore[arg-type]  # called
        ws_max_size=settings.max_body_bytes,
        ws_per_message_deflate=False,
        host=settings.host,
        port=settings.port,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=ceil(settings.shutdown_grace_s) + _FUSE_S,
    )
    settle_collector()
    server = _Server(config, drain, settings.shutdown_grace_s)
    if settings.key_file is not None:
        server.on_hangup = container.key_watch().reload
    server.run()
    return 0 if server.started else _COULD_NOT_START


def settle_collector() -> None:
    """Let the collector look at what exists by now no more, and seldom at what comes."""
    gc.collect()
    gc.freeze()
    # Requests under way are thousands of objects, and hardly ever garbage in circles.
    gc.set_threshold(_COLLECT_EVERY)


def _limits(settings: Settings) -> ConnectionLimits:
    return ConnectionLimits(
        header_s=settings.header_timeout_s,
        body_s=settings.body_timeout_s,
        write_s=settings.write_timeout_s,
        header_bytes=settings.max_header_bytes,
    )


class _Server(uvicorn.Server):
    """Ends with 0 when told to end; Ctrl-C does not wait for answers under way.

    Attributes:
        on_hangup: what SIGHUP does; None for its usual end of the process.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain, grace_s: float) -> None:
        super().__init__(config)
        self._drain = drain
        self._grace_s = grace_s
        self.on_hangup: Callable[[], None] | None = None

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # uvicorn raises the signal again once it is done, and the process dies of it.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        if self.on_hangup is not None:
            loop.add_signal_handler(signal.SIGHUP, self.on_hangup)
        yield

    def _stop(self, number: signal.Signals) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._drain.begin()
        grace_s = 0 if number is signal.SIGINT else self._grace_s
        asyncio.get_running_loop().call_later(grace_s, self._drain.cut)


def banner(settings: Settings) -> str:
    """Return what a person should know at the start."""
    model = settings.default_model
    if settings.model_servers:
        kind = "an OpenAI-compatible engine" if settings.uses_engines else "Ollama"
        places = ", ".join(settings.model_servers)
        lines = [
            (
                f"Models: {kind} at {places}; the default model is '{model}' "
                "(DEFAULT_MODEL chooses another)."
            )
        ]
    elif settings.llm_backend == "scripted":
        written = settings.script_file or settings.record_file
        by = f"by {written}" if written else "by the names of models (docs/testing.md)"
        lines = [f"Models: none; answers are written beforehand, {by}. For tests."]
    elif settings.gguf is not None:
        lines = [f"Models: llama.cpp in this process with your file, as '{model}'."]
    else:
        lines = [
            (
                f"Models: only the small demonstration model '{model}', in this process; it is no "
                "assistant. Start Ollama or set OLLAMA_URL for yours, or EMBEDDED_MODEL_PATH for a "
                "GGUF file."
            )
        ]
    address = f"http://{'localhost' if settings.host == '127.0.0.1' else settings.host}"
    at = f"{address}:{settings.port}"
    lines.append(f"API: {at}/v1  Page: {at}/  Reference: {at}/docs")
    if any(len(key) < _SHORTEST_SAFE_KEY for key in settings.api_keys):
        lines.append("Warning: API_KEY has a key of under 16 characters, which can be guessed.")
    return "\n".join(lines)
