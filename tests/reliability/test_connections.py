"""R01 to R04, R10, R39: what a connection may send, how slowly, and how long it may not read."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
from typing import TYPE_CHECKING

import pytest

from tests.support import asking, raw_http
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.service import ASK, CHAT
from tests.support.standing import STREAM

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from tests.support.service import Answer
    from tests.support.standing import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT_S = 1
SETTINGS = {
    "HEADER_TIMEOUT_S": str(LIMIT_S),
    "BODY_TIMEOUT_S": str(LIMIT_S),
    "WRITE_TIMEOUT_S": str(LIMIT_S),
    "MAX_CONCURRENCY": "10",
}
# What the requirements grant beyond a deadline.
GRACE_S = 4
MIB = 2**20
POST = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = json.dumps(ASK).encode()


@contextlib.asynccontextmanager
async def connected(
    stand: Stand,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said(stand: Stand, *pieces: bytes, every_s: float = 0.0) -> bytes:
    """Send the pieces and return all that came back by the end of the connection."""
    async with connected(stand) as (reader, writer):

        async def send() -> None:
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(every_s)

        sending = asyncio.create_task(send())
        answer = b""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                answer += data
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    return answer


def statuses(answer: bytes) -> list[int]:
    """Return the statuses of all answers on a connection."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


async def healthy(stand: Stand) -> bool:
    return (await stand.ask(path="/healthz")).status == 200


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([], 408, id="silence"),
        pytest.param([POST.encode()], 408, id="half a head"),
        pytest.param([POST.encode(), *[b"X: y\r\n"] * 40], 408, id="a head that trickles"),
        pytest.param([f"{POST}Content-Length: 100000\r\n\r\n".encode()], 408, id="no body"),
        pytest.param(
            [f"{POST}Content-Length: 100000\r\n\r\n".encode(), *[b" "] * 40],
            408,
            id="a body that trickles",
        ),
        pytest.param(
            [f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode(), *[b"1\r\n \r\n"] * 40],
            408,
            id="chunks that trickle",
        ),
    ],
)
async def test_what_comes_too_slowly_is_cut_off(
    stand: Stand, pieces: list[bytes], status: int
) -> None:
    async with asyncio.timeout(LIMIT_S + GRACE_S):
        answer = await said(stand, *pieces, every_s=0.2)

    assert statuses(answer) == [status]
    assert b'{"error":{"message":' in answer
    assert stand.server.asked("/api/chat") == []


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"GET /healthz HTTP/1.1\r\nX: " + b"a" * MIB + b"\r\n\r\n"], id="a line"),
        pytest.param([b"GET /healthz HTTP/1.1\r\nX: ", *[b"a" * MIB] * 20], id="an endless line"),
        pytest.param(
            [b"GET /healthz HTTP/1.1\r\n", b"X: abcdef\r\n" * 20_000, b"\r\n"], id="20,000 lines"
        ),
        pytest.param([b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n"], id="an address"),
    ],
)
async def test_a_head_that_is_too_large_costs_nothing(stand: Stand, pieces: list[bytes]) -> None:
    before = stand.process.resident_bytes
    async with asyncio.timeout(LIMIT_S + GRACE_S):
        answer = await said(stand, *pieces)

    assert all(400 <= status < 500 for status in statuses(answer))
    assert stand.process.resident_bytes - before < 24 * MIB
    assert await healthy(stand)


async def test_a_body_that_is_declared_too_large_is_not_waited_for(stand: Stand) -> None:
    async with connected(stand) as (reader, writer), asyncio.timeout(GRACE_S):
        writer.write(f"{POST}Content-Length: 200000000\r\n\r\n".encode())
        head = await raw_http.read_head(reader)
        body = await raw_http.read_body(reader, head)

    assert (head.status, head.headers["connection"]) == (413, "close")
    assert asking.error_of(json.loads(body))["code"] == "request_too_large"


async def test_a_body_that_grows_too_large_is_cut_off(stand: Stand) -> None:
    before = stand.process.resident_bytes
    chunk = b"%x\r\n%b\r\n" % (MIB, b"a" * MIB)
    async with asyncio.timeout(20):
        answer = await said(
            stand, f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode(), *[chunk] * 40
        )

    # Where the service closes on what is still on its way, the answer may be lost.
    assert statuses(answer) in ([], [413])
    assert stand.process.resident_bytes - before < 60 * MIB
    assert await healthy(stand)


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(
            f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
            id="both lengths",
        ),
        pytest.param(
            f"{POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}} ".encode(), id="two lengths"
        ),
        pytest.param(f"{POST}Content-Length: +5\r\n\r\nhello".encode(), id="a sign"),
        pytest.param(f"{POST}Content-Length: 0x5\r\n\r\nhello".encode(), id="hexadecimal"),
        pytest.param(f"{POST}Content-Length: -1\r\n\r\n".encode(), id="negative"),
        pytest.param(f"{POST}Content-Length: {'9' * 30}\r\n\r\n".encode(), id="astronomic"),
        pytest.param(
            f"{POST}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n".encode(),
            id="a bad chunk",
        ),
        pytest.param(
            f"{POST}Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n".encode(),
            id="a negative chunk",
        ),
        pytest.param(
            f"{POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n".encode(),
            id="a chunk without its end",
        ),
        pytest.param(
            f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n".encode(), id="an odd encoding"
        ),
        pytest.param(f"{POST}Content-Length : 2\r\n\r\n{{}}".encode(), id="space before a colon"),
        pytest.param(f"{POST} folded: x\r\nContent-Length: 2\r\n\r\n{{}}".encode(), id="folded"),
        pytest.param(f"{POST}X\0Y: 1\r\n\r\n".encode(), id="NUL in a name"),
        pytest.param(f"{POST}X: a\0b\r\n\r\n".encode(), id="NUL in a value"),
        pytest.param(b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n", id="a version"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
    ],
)
async def test_framing_that_can_be_read_in_two_ways_has_one_answer_at_most(
    stand: Stand, request_bytes: bytes
) -> None:
    # Were the two read differently, the second would be a request of its own.
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with asyncio.timeout(LIMIT_S + GRACE_S):
        answer = await said(stand, request_bytes + smuggled)

    assert len(statuses(answer)) <= 1
    assert all(400 <= status < 500 for status in statuses(answer))
    assert stand.server.asked("/api/chat") == []


async def test_requests_in_a_row_are_answered_in_order(stand: Stand) -> None:
    post = f"{POST}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    last = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answer = await said(stand, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" + post + last)

    assert statuses(answer) == [200, 200, 404]
    await stand.forget()


UPGRADE = "Connection: upgrade, close\r\nUpgrade: websocket\r\n"
# As Java's own client wishes in every request.
H2C = "Connection: Upgrade, HTTP2-Settings, close\r\nHTTP2-Settings: AAEAAEAA\r\nUpgrade: h2c\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("upgrade", [UPGRADE, H2C], ids=["WebSocket", "HTTP/2"])
@pytest.mark.parametrize(
    ("verb", "rest", "status"),
    [
        pytest.param(
            POST, [f"Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY], 200, id="body"
        ),
        pytest.param(
            POST,
            [f"Content-Length: {len(BODY)}\r\n\r\n".encode(), BODY[:9], BODY[9:]],
            200,
            id="in pieces",
        ),
        pytest.param(
            POST,
            [CHUNKED.encode(), b"%x\r\n%b\r\n" % (len(BODY), BODY), b"0\r\n\r\n"],
            200,
            id="chunks",
        ),
        pytest.param(POST, [b"Content-Length: 9\r\n\r\n"], 408, id="half a body"),
        pytest.param(
            f"DELETE {CHAT} HTTP/1.1\r\nHost: localhost\r\n", [b"\r\n"], 405, id="no body"
        ),
        pytest.param("CONNECT a:80 HTTP/1.1\r\nHost: localhost\r\n", [b"\r\n"], 400, id="tunnel"),
    ],
)
async def test_a_wish_for_another_protocol_is_passed_over(
    stand: Stand, upgrade: str, verb: str, rest: list[bytes], status: int
) -> None:
    async with asyncio.timeout(LIMIT_S + GRACE_S):
        answer = await said(stand, f"{verb}{upgrade}".encode(), *rest, every_s=0.01)

    assert statuses(answer) == [status]


async def test_many_such_wishes_in_a_row_are_answered_one_by_one(stand: Stand) -> None:
    wish = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
    before = (wish + H2C.replace(", close", "") + "\r\n") * 1000

    async with asyncio.timeout(LIMIT_S + GRACE_S):
        answer = await said(stand, f"{before}{wish}{UPGRADE}Content-Length: 0\r\n\r\n".encode())

    assert statuses(answer) == [200] * 1001


async def test_so_is_a_handshake_behind_a_request_under_way(stand: Stand) -> None:
    post = f"{POST}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    handshake = (
        f"GET /v1/responses HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with asyncio.timeout(LIMIT_S + GRACE_S):
        answer = await said(stand, post + handshake.encode())

    assert statuses(answer) == [200, 405]


async def stalled(stand: Stand) -> socket.socket:
    """Return a client that asks for a stream and never reads."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)  # noqa: FBT003 - the socket's own signature
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", stand.port))
    body = json.dumps(STREAM).encode()
    head = f"{POST}Content-Length: {len(body)}\r\n\r\n".encode()
    await loop.sock_sendall(client, head + body)
    return client


async def test_clients_that_do_not_read_are_dropped(stand: Stand) -> None:
    before = stand.process.resident_bytes
    stand.server.always("/api/chat", streamed(*[text_line("a" * 1000)] * 60_000, done_line()))
    clients = [await stalled(stand) for _ in range(10)]
    try:
        await stand.server.arrived("/api/chat", 10)
        async with asyncio.timeout(LIMIT_S + 6 + 10):
            await stand.server.hung_up(10)
            await stand.server.idle()
    finally:
        for client in clients:
            client.close()

    assert stand.process.resident_bytes - before < 64 * MIB
    await stand.forget()
    await stand.all_free(10)


async def test_out_of_descriptors_it_waits_for_some_and_goes_on(stand: Stand) -> None:
    await stand.server.drop()
    before = resource.prlimit(stand.process.pid, resource.RLIMIT_NOFILE)
    few = stand.process.descriptors + 10
    resource.prlimit(stand.process.pid, resource.RLIMIT_NOFILE, (few, before[1]))
    waiting = [await asyncio.open_connection("127.0.0.1", stand.port) for _ in range(40)]
    await stand.process.settles(lambda: stand.process.descriptors >= few)
    for _, writer in waiting:
        await raw_http.reset(writer)

    async with asyncio.timeout(20):
        # Until those who left are noticed, there may be none for the model server.
        statuses = [(await stand.ask(ASK)).status]
        while statuses[-1] == 503:
            statuses.append((await stand.ask(ASK)).status)
    assert statuses[-1] == 200
    resource.prlimit(stand.process.pid, resource.RLIMIT_NOFILE, before)
    assert await healthy(stand)


SIZE = 9 * MIB
HEAVY: dict[str, Callable[[], bytes]] = {
    "text": lambda: json.dumps(asking.chat("a" * SIZE)).encode(),
    "arrays": lambda: b'{"messages":[' + b"[]," * (SIZE // 3) + b"[]]}",
    "messages": lambda: (
        b'{"messages":[' + b'{"role":"user","content":"a"},' * (SIZE // 31) + b"{}]}"
    ),
    "a schema": lambda: (
        b'{"tools":[{"type":"function","function":{"name":"f","parameters":{"a":['
        + b"[]," * (SIZE // 3)
        + b"[]]}}}],"
        + BODY[1:]
    ),
    "fields": lambda: b'{"metadata":{' + b'"a":1,' * (SIZE // 6) + b'"b":1},' + BODY[1:],
}


@pytest.mark.parametrize("what", HEAVY)
async def test_a_body_of_nine_megabytes_holds_up_no_stream(stand: Stand, what: str) -> None:
    body = HEAVY[what]()
    for _ in range(3):
        seen = len(stand.process.output)
        answers = await beside_a_stream(stand, body)
        assert {answer.status for answer in answers} <= {200, 400}
        await stand.forget()
        # A machine that is busy otherwise stalls now and then; a body that does, every time.
        if b"event_loop_stalled" not in stand.process.output[seen:]:
            return
    pytest.fail("the event loop stalled each time")


async def beside_a_stream(stand: Stand, body: bytes) -> list[Answer]:
    """Return the answers to three requests with ``body`` that come between a stream's tokens."""
    gates = [asyncio.Event() for _ in range(3)]
    pieces = (piece for gate in gates for piece in (gate, text_line("a")))
    stand.server.script("/api/chat", streamed(*pieces, done_line()))
    reader, writer = await raw_http.send(stand.port, CHAT, STREAM)
    await stand.server.arrived("/api/chat")
    heavy = [asyncio.create_task(stand.ask(body)) for _ in gates]
    for gate in gates:
        gate.set()
        await reader.readuntil(b'"content":"a"')
    answers = await asyncio.gather(*heavy)
    await raw_http.hang_up(writer)
    return answers
