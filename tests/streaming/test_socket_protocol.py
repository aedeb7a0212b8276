"""What the protocol beneath a WebSocket bounds, and how it ends with its server."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.http.protocol import ConnectionLimits, GuardedProtocol
from entrypoints.http.socket_protocol import GuardedSocket
from tests.support import raw_http
from tests.support.server import serving
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

LIMIT_S = 10


@pytest.fixture(autouse=True)
async def limit() -> AsyncGenerator[None]:
    async with asyncio.timeout(LIMIT_S):
        yield


@dataclass(frozen=True, slots=True)
class At:
    port: int


class Echo:
    """A WebSocket application that sends back what it gets, and notes how it ends."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while (message := await receive())["type"] == "websocket.receive":
                await send({"type": "websocket.send", "text": message["text"]})
        finally:
            self.ended.set()


async def test_the_limits_of_a_head_end_with_the_handshake() -> None:
    limits = ConnectionLimits(header_s=0.2, body_s=0.05, write_s=0.05, header_bytes=4096)
    http = partial(GuardedProtocol, limits=limits)
    ws = partial(GuardedSocket, write_s=LIMIT_S)
    async with serving(Echo(), lifespan="off", http=http, ws=ws) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with connected(At(port)) as socket:
            # Silence for longer than any limit: this connection, younger, would be over, too.
            assert b"408" in await reader.read()
            await raw_http.hang_up(writer)
            await socket.send('{"type":"a"}')

            assert await socket.read() == {"type": "a"}


class Talk(Echo):
    """Sends so many megabytes at once, and then ends."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            for _ in range(self._number):
                await send({"type": "websocket.send", "text": json.dumps("a" * 1_000_000)})
            await send({"type": "websocket.close", "code": 1000})
        except OSError:
            self.ended.set()


async def test_a_client_that_does_not_read_is_dropped() -> None:
    app = Talk(1_000)
    ws = partial(GuardedSocket, write_s=0.05)
    async with (
        serving(app, lifespan="off", ws=ws) as port,
        connected(At(port), max_queue=1) as socket,
    ):
        socket.connection.transport.pause_reading()

        await app.ended.wait()
        socket.connection.transport.abort()


async def test_a_client_that_reads_is_not() -> None:
    ws = partial(GuardedSocket, write_s=LIMIT_S)
    async with (
        serving(Talk(20), lifespan="off", ws=ws) as port,
        connected(At(port), max_queue=1) as socket,
    ):
        for _ in range(20):
            await socket.connection.recv()

        assert await socket.closed() == 1000


async def test_nothing_is_sent_after_a_refusal() -> None:
    class Late(Echo):
        async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "websocket.accept"})
            assert (await receive())["type"] == "websocket.disconnect"
            with pytest.raises(OSError):  # noqa: PT011 - ASGI says no more
                await send({"type": "websocket.send", "text": "late"})
            self.ended.set()

    app = Late()
    ws = partial(GuardedSocket, write_s=LIMIT_S)
    async with (
        serving(app, lifespan="off", ws=ws, ws_max_size=10) as port,
        connected(At(port)) as socket,
    ):
        await socket.send("a" * 11)

        assert (await socket.read())["status"] == 413
        await app.ended.wait()


async def test_the_server_waits_for_work_on_a_socket() -> None:
    stopping = asyncio.Event()

    class Watched(GuardedSocket):
        def shutdown(self) -> None:
            super().shutdown()
            stopping.set()

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await stopping.wait()
        await send({"type": "websocket.send", "text": '{"late":true}'})
        await send({"type": "websocket.close", "code": 1000})

    async with AsyncExitStack() as stack:
        ws = partial(Watched, write_s=LIMIT_S)
        async with serving(app, lifespan="off", ws=ws) as port:
            socket = await stack.enter_async_context(connected(At(port)))

        assert await socket.read() == {"late": True}
        assert await socket.closed() == 1000


async def test_the_server_waits_for_no_client_that_it_said_goodbye_to() -> None:
    class Unheard(GuardedSocket):
        def data_received(self, data: bytes) -> None:
            """Take in the handshake alone: the client's farewell is lost."""
            if not self.handshake_complete:
                super().data_received(data)

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})

    async with AsyncExitStack() as stack:
        ws = partial(Unheard, write_s=LIMIT_S)
        async with serving(app, lifespan="off", ws=ws) as port:
            socket = await stack.enter_async_context(connected(At(port)))

        assert await socket.closed() == 1000
