"""One process that serves."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import TYPE_CHECKING

import uvicorn

from entrypoints.http.app import create_app
from entrypoints.http.protocol import ConnectionLimits, GuardedProtocol
from entrypoints.http.socket_protocol import GuardedSocket

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Generator

    from entrypoints.container import Container
    from entrypoints.http.drain import Drain
    from entrypoints.settings import Settings

COULD_NOT_START = 3
# Requests that are cut end at once; what does not is ended by uvicorn so much later.
FUSE_S = 2
_ENDING_S = 0.5
# Longer than clients keep a connection (httpx, and with it OpenAI's SDK: 5 s; Node: 4 s; proxies:
# 60 s): whoever closes first decides whether a request can be lost between the two.
_KEEP_ALIVE_S = 65
# Objects that came, less those that went, between two looks of the collector.
_COLLECT_EVERY = 20_000


def config_of(container: Container, drain: Drain) -> uvicorn.Config:
    """Return how uvicorn serves."""
    settings = container.settings()
    return uvicorn.Config(
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
        timeout_graceful_shutdown=ceil(settings.shutdown_grace_s) + FUSE_S,
    )


def serve(server: Server, container: Container, sockets: list[socket.socket] | None = None) -> int:
    """Serve until told to stop, on sockets or where the settings say; return the exit code."""
    settle_collector()
    if container.settings().key_file is not None:
        server.on_hangup = container.key_watch().reload
    server.run(sockets)
    return 0 if server.started else COULD_NOT_START


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


class Server(uvicorn.Server):
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
        """While entered, signals are those of this service."""
        # uvicorn raises the signal again once it is done, and the process dies of it.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop, number)
        if self.on_hangup is not None:
            loop.add_signal_handler(signal.SIGHUP, self.on_hangup)
        yield

    def stop(self, number: signal.Signals) -> None:
        """Take no more work; end as the signal says, the second time at once."""
        self.force_exit = self.should_exit
        self.should_exit = True
        if self.force_exit:
            # What is cut off by that is no failure; Litestar would tell of it with a traceback.
            for name in ("uvicorn.error", "uvicorn.sockets"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
        self._drain.begin()
        # What is cut takes a moment to end, and that is within the grace, too.
        grace_s = self._grace_s - min(_ENDING_S, self._grace_s / 10)
        if number is signal.SIGINT:
            grace_s = 0
        asyncio.get_running_loop().call_later(grace_s, self._drain.cut)
