"""An application on a real socket, in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING, Any, Literal

import uvicorn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


_TURNS = 10


class _Server(uvicorn.Server):
    """Tells when it has started, and leaves signals to the test runner."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:
            # In a task it would end the loop, and the test run with it.
            message = "the application did not start"
            raise RuntimeError(message) from None
        self.ready.set()

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second whether it is to stop; tests stop often.
        await self.on_tick(0)
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # What belongs to clients that have closed their connections ends within a few turns.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            if not (self.server_state.connections or self.server_state.tasks):
                break
        else:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        await self.lifespan.shutdown()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@contextlib.asynccontextmanager
async def serving(
    app: Any,
    *,
    lifespan: Literal["auto", "on", "off"] = "on",
    http: Any = "auto",
    ws: Any = "none",
    ws_max_size: int = 16 * 1024 * 1024,
) -> AsyncGenerator[int]:
    """Serve an ASGI application on loopback; yield the port.

    Leaving stops the server as production does: no new connections, a short wait for the
    open ones, then the application's own shutdown.

    Raises:
        RuntimeError: the application did not start.
    """
    config = uvicorn.Config(
        app,
        interface="asgi3",
        log_config=None,
        access_log=False,
        lifespan=lifespan,
        http=http,
        ws=ws,
        ws_max_size=ws_max_size,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving_task = asyncio.create_task(server.serve([listener]))
        ready = asyncio.create_task(server.ready.wait())
        try:
            await asyncio.wait((serving_task, ready), return_when=asyncio.FIRST_COMPLETED)
            if serving_task.done():
                return
            yield listener.getsockname()[1]
        finally:
            ready.cancel()
            server.should_exit = True
            server.stopping.set()
            await serving_task
