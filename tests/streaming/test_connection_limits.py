"""Clients that send, or read, too slowly or too much."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.http.protocol import ConnectionLimits, GuardedProtocol
from tests.support.server import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMITS = ConnectionLimits(header_s=0.2, body_s=0.2, write_s=0.2, header_bytes=8 * 1024)
HEAD = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n"


class Echo:
    """Answers with the body it was sent, or with an endless one."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self.held: asyncio.Event | None = None
        self.sent = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.set()
                return
            body += message["body"]
            more = message["more_body"]
        self.asked.set()
        if self.held is not None:
            await self.held.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        if scope["path"] == "/endless":
            await self._endless(receive, send)
        await send({"type": "http.response.body", "body": body})

    async def _endless(self, receive: Any, send: Any) -> None:
        leaving = asyncio.ensure_future(receive())
        while not leaving.done():
            await send({"type": "http.response.body", "body": b"a" * 65536, "more_body": True})
            self.sent += 65536
            await asyncio.sleep(0)
        self.left.set()


@pytest.fixture
def app() -> Echo:
    return Echo()


@pytest.fixture
async def port(app: Echo) -> AsyncIterator[int]:
    http = partial(GuardedProtocol, limits=LIMITS)
    async with serving(app, lifespan="off", http=http) as number:
        yield number


async def said(port: int, *pieces: bytes) -> bytes:
    """Send the pieces, each a turn later, and return all that came back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(10):
            answer = await reader.readuntil(b"}}")
    writer.close()
    return answer


def refusal(status: str, message: str) -> bytes:
    body = (
        f'{{"error":{{"message":"{message}","type":"invalid_request_error",'
        '"param":null,"code":null}}'
    ).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


SLOW_HEAD = refusal("408 Request Timeout", "The head of the request did not arrive in time.")
SLOW_BODY = refusal("408 Request Timeout", "The body of the request did not arrive in time.")
LARGE = refusal("431 Request Header Fields Too Large", "The head of the request is too large.")


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        pytest.param([b""], SLOW_HEAD, id="silence"),
        pytest.param([b"POST / HT"], SLOW_HEAD, id="half a line"),
        pytest.param([HEAD], SLOW_HEAD, id="half a head"),
        pytest.param([HEAD + b"\r\n"], SLOW_BODY, id="no body"),
        pytest.param([HEAD + b"\r\n", b"ab"], SLOW_BODY, id="half a body"),
        pytest.param([HEAD + b"X: " + b"a" * 9000 + b"\r\n\r\nhello"], LARGE, id="a long line"),
        pytest.param([HEAD + b"X: " + b"a" * 9000], LARGE, id="an endless line"),
        pytest.param([HEAD + b"X: abcdefghijkl\r\n" * 900 + b"\r\nhello"], LARGE, id="many lines"),
        pytest.param(
            [b"nonsense\r\n\r\n"],
            refusal("400 Bad Request", "Invalid HTTP request received."),
            id="nonsense",
        ),
    ],
)
async def test_what_does_not_come_in_time_and_size_is_refused(
    port: int, pieces: list[bytes], answer: bytes
) -> None:
    assert await said(port, *pieces) == answer


@pytest.mark.parametrize(
    ("more", "late"),
    [
        pytest.param(b"\r\n", SLOW_HEAD, id="an empty line"),
        pytest.param(b"POST / HT", SLOW_HEAD, id="half a line"),
        pytest.param(HEAD + b"\r\nab", SLOW_BODY, id="half a body"),
    ],
)
async def test_what_follows_a_request_under_way_has_time_until_its_turn(
    port: int, app: Echo, more: bytes, late: bytes
) -> None:
    app.held = asyncio.Event()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"\r\nhello")
    await app.asked.wait()
    writer.write(more)
    await writer.drain()
    # That one's time, begun later, is over now.
    assert await said(port, HEAD) == SLOW_HEAD
    app.held.set()
    async with asyncio.timeout(10):
        answers = await reader.readuntil(b"}}")
    writer.close()

    assert answers.startswith(b"HTTP/1.1 200")
    assert answers.endswith(late)


async def test_a_trickle_gains_no_time(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def trickle() -> None:
        while True:
            writer.write(b"X: y\r\n")
            await asyncio.sleep(0.02)

    writer.write(HEAD)
    trickling = asyncio.create_task(trickle())
    async with asyncio.timeout(10):
        answer = await reader.readuntil(b"}}")
    trickling.cancel()
    writer.close()

    assert answer == SLOW_HEAD


async def test_requests_within_the_limits_share_a_connection(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(3):
        for piece in (HEAD, b"\r\n", b"he", b"llo"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"hello\r\n0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_client_that_left_a_body_unsent_is_known_to_have_left(port: int, app: Echo) -> None:
    await said(port, HEAD + b"\r\n")

    async with asyncio.timeout(10):
        await app.left.wait()


async def test_a_client_that_does_not_read_is_dropped(port: int, app: Echo) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)  # noqa: FBT003 - the socket's own signature
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
        await asyncio.get_running_loop().sock_sendall(
            client, b"GET /endless HTTP/1.1\r\nHost: here\r\n\r\n"
        )
        async with asyncio.timeout(20):
            await app.left.wait()

    assert app.sent < 64 * 1024 * 1024
