"""Clients that go away take their generation with them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import raw_http
from tests.support.fake_llm import FakeLLM
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.service import ASK, CHAT, service_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.service import Service

LIMIT_S = 10
STREAMS = 200
LEAVES = [
    pytest.param(raw_http.hang_up, id="close"),
    pytest.param(raw_http.reset, id="reset"),
]


@pytest.mark.parametrize("leave", LEAVES)
@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("begun", [False, True], ids=["before the first token", "midway"])
async def test_hanging_up_stops_the_model(
    leave: Callable[[asyncio.StreamWriter], Awaitable[None]],
    n: int,
    stream: bool,  # noqa: FBT001 - a case
    begun: bool,  # noqa: FBT001 - a case
) -> None:
    pieces = [text_line("a")] if begun else []
    async with FakeOllama() as server, service_of(server.url) as service:
        server.always("/api/chat", streamed(*pieces, ending=Ending.HANG))
        async with asyncio.timeout(LIMIT_S):
            _, writer = await raw_http.send(service.port, CHAT, ASK | {"stream": stream, "n": n})
            await server.arrived("/api/chat", n)
            await leave(writer)

            await server.hung_up(n)
            await server.idle()
            await server.disconnected()


@pytest.mark.parametrize("leave", LEAVES)
async def test_hanging_up_closes_the_stream(
    service: Service, llm: FakeLLM, leave: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> None:
    llm.gate = asyncio.Event()

    async with asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(service.port, CHAT, ASK | {"stream": True})
        await reader.readuntil(b'"content":"Hel"')
        await leave(writer)

        await llm.streams[0].closed.wait()


async def test_hanging_up_while_the_model_is_looked_at_asks_nothing_of_it() -> None:
    gate = asyncio.Event()

    class Slow(FakeLLM):
        """A server that takes its time to describe a model."""

        async def show_model(self, name: str) -> Any:
            gate.set()
            await asyncio.Event().wait()
            return await super().show_model(name)

    slow = Slow()
    tools = [{"type": "function", "function": {"name": "f"}}]
    async with service_of(slow) as service, asyncio.timeout(LIMIT_S):
        _, writer = await raw_http.send(service.port, CHAT, ASK | {"tools": tools})
        await gate.wait()
        await raw_http.hang_up(writer)
        answer = await service.ask(ASK)

    assert answer.status == 200
    assert len(slow.requests) == 1


def held() -> tuple[int, int]:
    """Return the counts of tasks and file descriptors."""
    return len(asyncio.all_tasks()), len(list(Path("/proc/self/fd").iterdir()))


async def drop(service: Service, number: int) -> None:
    """Open a stream and leave it at a point that depends on ``number`` alone."""
    # A walk through all residues, in no order that anything else follows.
    point = number * 7919 % 23
    body = ASK | {"stream": number % 3 != 0, "n": 1 + number % 2}
    reader, writer = await raw_http.send(service.port, CHAT, body)
    for _ in range(point % 7):
        await asyncio.sleep(0)
    if point > 10 and body["stream"]:
        await reader.readuntil(f'"content":"{point % 5}"'.encode())
    leave = raw_http.hang_up if number % 2 else raw_http.reset
    await leave(writer)


async def test_two_hundred_dropped_streams_leave_nothing() -> None:
    tokens = [text_line(str(number)) for number in range(5)]
    async with FakeOllama() as server, service_of(server.url) as service:
        server.always("/api/chat", streamed(*tokens, ending=Ending.HANG))
        async with asyncio.timeout(60):
            await drop(service, 1)
            await server.disconnected()
            before = held()
            for start in range(0, STREAMS, 20):
                await asyncio.gather(*(drop(service, start + more) for more in range(20)))
            await server.disconnected()
            # What is left to do without input is done by then.
            for _ in range(100):
                await asyncio.sleep(0)
        after = held()

        server.always("/api/chat", streamed(text_line("a"), done_line()))
        answer = await service.ask(ASK)

    assert server.open == 0
    assert after[0] <= before[0]
    assert after[1] <= before[1]
    assert answer.status == 200


async def test_a_client_that_leaves_after_the_answer_is_no_failure(
    service: Service, llm: FakeLLM
) -> None:
    first = await service.ask(ASK | {"stream": True})
    second = await service.ask(ASK)

    assert (first.status, second.status) == (200, 200)
    assert all(stream.closed.is_set() for stream in llm.streams)
