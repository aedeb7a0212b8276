"""The client of model servers, against servers that do anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from adapters.transport.upstream import Upstream
from domain.errors import UpstreamError, UpstreamProtocolError, UpstreamUnavailableError
from tests.support.raw_server import RawConnection, raw_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def answering(*replies: bytes) -> Callable[[RawConnection], Awaitable[None]]:
    async def script(connection: RawConnection) -> None:
        for reply in replies:
            if not await connection.request():
                return
            await connection.send(reply)
        await connection.request()

    return script


@pytest.fixture
async def upstreams() -> AsyncIterator[Callable[[str], Upstream]]:
    made: list[Upstream] = []

    def make(url: str) -> Upstream:
        made.append(Upstream(url))
        return made[-1]

    yield make
    for upstream in made:
        await upstream.aclose()


async def test_a_request_has_what_http_needs_and_nothing_of_ours(
    upstreams: Callable[[str], Upstream],
) -> None:
    seen: list[bytes] = []

    async def script(connection: RawConnection) -> None:
        seen.append(await connection.request())
        await connection.send(OK)

    async with raw_server(script) as server:
        answer = await upstreams(server.url).fetch("POST", "/api/chat", b"{}")

    assert answer == (200, b"hi")
    assert seen == [
        b"POST /api/chat HTTP/1.1\r\n"
        + f"Host: 127.0.0.1:{server.port}\r\n".encode()
        + b"Accept-Encoding: identity\r\n"
        b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    ]


async def test_a_path_of_the_base_url_stays_in_front(
    upstreams: Callable[[str], Upstream],
) -> None:
    seen: list[bytes] = []

    async def script(connection: RawConnection) -> None:
        seen.append(await connection.request())
        await connection.send(OK)

    async with raw_server(script) as server:
        await upstreams(f"{server.url}/ollama").fetch("GET", "/api/tags")

    assert seen[0].startswith(b"GET /ollama/api/tags HTTP/1.1\r\n")
    assert b"Content-Length" not in seen[0]


async def test_requests_share_a_connection(upstreams: Callable[[str], Upstream]) -> None:
    async with raw_server(answering(OK, OK, OK)) as server:
        upstream = upstreams(server.url)
        for _ in range(3):
            await upstream.fetch("GET", "/")

        assert server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhi", id="until the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi", id="with length"
        ),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", id="old"),
        pytest.param(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
            b"Connection: close\r\n\r\nhi",
            id="after an interim answer",
        ),
    ],
)
async def test_an_answer_that_closes_is_whole_and_ends_its_connection(
    upstreams: Callable[[str], Upstream], reply: bytes
) -> None:
    async def script(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(reply)

    async with raw_server(script) as server:
        upstream = upstreams(server.url)

        assert await upstream.fetch("GET", "/") == (200, b"hi")
        assert await upstream.fetch("GET", "/") == (200, b"hi")
        assert server.connections == 2


async def test_a_connection_that_was_closed_while_idle_is_not_used_again(
    upstreams: Callable[[str], Upstream],
) -> None:
    held: list[RawConnection] = []

    async def script(connection: RawConnection) -> None:
        held.append(connection)
        while await connection.request():
            await connection.send(OK)

    async with raw_server(script) as server:
        upstream = upstreams(server.url)
        for _ in range(40):
            await upstream.fetch("GET", "/")
            # The loop has no turn between the end and the next request, so only the socket knows.
            held[-1].vanish()

            assert await upstream.fetch("GET", "/") == (200, b"hi")


async def test_a_request_that_was_read_is_not_sent_again(
    upstreams: Callable[[str], Upstream],
) -> None:
    requests = 0

    async def script(connection: RawConnection) -> None:
        nonlocal requests
        await connection.request()
        requests += 1
        await connection.send(OK)
        await connection.request()
        requests += 1
        connection.reset()

    async with raw_server(script) as server:
        upstream = upstreams(server.url)
        await upstream.fetch("GET", "/")
        with pytest.raises(UpstreamProtocolError):
            await upstream.fetch("POST", "/api/chat", b"{}")

    assert requests == 2


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="half a head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", id="half a body"),
        pytest.param(CHUNKED + b"2\r\nhi\r\n", id="no last chunk"),
        pytest.param(CHUNKED + b"zz\r\nhi\r\n0\r\n\r\n", id="a bad chunk"),
        pytest.param(b"220 mail.example ESMTP\r\n\r\n", id="another protocol"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi",
            id="compressed",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000, id="an endless head"),
    ],
)
async def test_anything_else_is_a_failure(
    upstreams: Callable[[str], Upstream], reply: bytes
) -> None:
    async def script(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(reply)

    async with raw_server(script) as server:
        with pytest.raises(UpstreamProtocolError):
            async with asyncio.timeout(10):
                await upstreams(server.url).fetch("GET", "/")


async def test_words_nobody_asked_for_end_a_connection(
    upstreams: Callable[[str], Upstream],
) -> None:
    async with raw_server(answering(OK + b"HTTP/1.1 200 OK\r\n\r\n", OK)) as server:
        upstream = upstreams(server.url)

        first = await upstream.fetch("GET", "/")
        second = await upstream.fetch("GET", "/")

        assert first == (200, b"hi")
        assert second == (200, b"hi")
        assert server.connections == 2


async def test_a_server_that_is_not_there_is_unavailable(
    upstreams: Callable[[str], Upstream],
) -> None:
    async with raw_server(answering()) as server:
        url = server.url

    with pytest.raises(UpstreamUnavailableError):
        await upstreams(url).fetch("GET", "/")


async def test_what_nobody_reads_stays_with_the_sender(
    upstreams: Callable[[str], Upstream],
) -> None:
    sent = 0

    async def script(connection: RawConnection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(CHUNKED)
        while True:
            await connection.send(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
            sent += 0x10000

    async with raw_server(script) as server:
        response = await upstreams(server.url).send("GET", "/")
        before = -1
        # Until the sender makes no more headway.
        while sent != before:
            before = sent
            for _ in range(200):
                await asyncio.sleep(0)
        held = sent
        received = len(await response.read())
        await response.aclose()

    assert held < 32 * 1024 * 1024
    assert received < 2 * 1024 * 1024


async def test_an_answer_over_its_limit_is_refused(upstreams: Callable[[str], Upstream]) -> None:
    async with raw_server(answering(OK)) as server:
        response = await upstreams(server.url).send("GET", "/")
        with pytest.raises(UpstreamProtocolError) as caught:
            await response.read_whole(1)
        await response.aclose()

    assert caught.value.code == "upstream_too_large"


async def test_of_a_long_error_only_the_start_is_read(
    upstreams: Callable[[str], Upstream],
) -> None:
    async with raw_server(answering(OK)) as server:
        response = await upstreams(server.url).send("GET", "/")
        start = await response.read_start(1)
        await response.aclose()

    assert len(start) == 1


async def test_closing_early_cuts_the_connection(upstreams: Callable[[str], Upstream]) -> None:
    left = asyncio.Event()

    async def script(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(CHUNKED + b"2\r\nhi\r\n")
        await connection.request()
        left.set()

    async with raw_server(script) as server:
        response = await upstreams(server.url).send("GET", "/")
        await response.aclose()
        await response.aclose()
        async with asyncio.timeout(5):
            await left.wait()


async def test_a_body_that_is_not_wanted_any_more_is_not_waited_for(
    upstreams: Callable[[str], Upstream],
) -> None:
    async def script(connection: RawConnection) -> None:
        await connection.request()
        await connection.send(CHUNKED + b"2\r\nhi\r\n")
        await connection.request()

    async with raw_server(script) as server:
        response = await upstreams(server.url).send("GET", "/")
        assert await response.read() == b"hi"
        async with asyncio.timeout(5):
            await response.finish()
        await response.aclose()
        with pytest.raises(UpstreamError):
            await response.read()


async def test_a_dead_server_is_left_alone_and_a_probe_finds_it_again(
    upstreams: Callable[[str], Upstream],
) -> None:
    alive = False

    async def script(connection: RawConnection) -> None:
        while await connection.request():
            if not alive:
                return connection.reset()
            await connection.send(OK)
        return None

    async with raw_server(script) as server:
        upstream = upstreams(server.url)
        for _ in range(5):
            with pytest.raises(UpstreamProtocolError):
                await upstream.fetch("POST", "/api/chat", b"{}")
        asked = server.connections
        with pytest.raises(UpstreamUnavailableError) as refused:
            await upstream.fetch("POST", "/api/chat", b"{}")
        untouched = server.connections
        with pytest.raises(UpstreamUnavailableError) as probed:
            await upstream.probe("/api/version")
        alive = True
        found = await upstream.probe("/api/version")
        again = await upstream.fetch("POST", "/api/chat", b"{}")

    assert asked == untouched == 5
    assert refused.value.code == probed.value.code == "upstream_circuit_open"
    assert 0 < (refused.value.retry_after_s or 0) <= 1
    assert found == again == (200, b"hi")


async def test_answers_that_tell_of_faults_are_answers(
    upstreams: Callable[[str], Upstream],
) -> None:
    failed = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
    cut = CHUNKED + b"2\r\nhi\r\n"

    async def script(connection: RawConnection) -> None:
        while request := await connection.request():
            await connection.send(failed if b"/failed" in request else cut)
            if b"/cut" in request:
                return

    async with raw_server(script) as server:
        upstream = upstreams(server.url)
        for _ in range(6):
            assert await upstream.fetch("GET", "/failed") == (500, b"")
            with pytest.raises(UpstreamProtocolError):
                await upstream.fetch("GET", "/cut")
