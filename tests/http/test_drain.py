"""An orderly end: no new work, then no work."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from domain.events import TextDelta
from tests.support import raw_http
from tests.support.asking import data_of
from tests.support.fake_llm import HELLO, FakeLLM
from tests.support.service import ASK, CHAT, service_of

STOPPING = {
    "error": {
        "message": "The server is shutting down; try again shortly.",
        "type": "server_error",
        "param": None,
        "code": "server_shutting_down",
    }
}
LIMIT_S = 10


@pytest.mark.parametrize("path", [CHAT, "/readyz", "/v1/foo"])
async def test_a_draining_service_takes_no_new_work(path: str) -> None:
    async with service_of(FakeLLM()) as service:
        service.drain.begin()
        answer = await service.ask(ASK if path == CHAT else None, path)
        alive = await service.ask(path="/healthz")

    assert (answer.status, answer.json) == (503, STOPPING)
    assert answer.headers["retry-after"] == "2"
    assert alive.status == 200


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_work_under_way_may_finish(stream: bool) -> None:  # noqa: FBT001 - a case
    gate = asyncio.Event()
    llm = FakeLLM([TextDelta("a")], gate, *HELLO)
    async with service_of(llm) as service:
        asking = asyncio.create_task(service.ask(ASK | {"stream": stream}))
        await llm.asked.wait()
        service.drain.begin()
        gate.set()
        answer = await asking

    assert answer.status == 200
    assert b"lo" in answer.body


@pytest.mark.parametrize("n", [1, 3])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_work_that_is_cut_before_its_first_token_is_told_so(
    n: int,
    stream: bool,  # noqa: FBT001 - a case
) -> None:
    llm = FakeLLM(asyncio.Event())
    async with service_of(llm) as service, asyncio.timeout(LIMIT_S):
        asking = asyncio.create_task(service.ask(ASK | {"stream": stream, "n": n}))
        await llm.opened(n)
        service.drain.begin()
        service.drain.cut()
        answer = await asking

    assert (answer.status, answer.json) == (503, STOPPING)
    assert all(each.closed.is_set() for each in llm.streams)


@pytest.mark.parametrize("n", [1, 3])
async def test_a_stream_that_is_cut_ends_in_an_error(n: int) -> None:
    llm = FakeLLM([TextDelta("a")], asyncio.Event())
    async with service_of(llm) as service, asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(service.port, CHAT, ASK | {"stream": True, "n": n})
        head = await raw_http.read_head(reader)
        await raw_http.read_chunk(reader)
        service.drain.begin()
        service.drain.cut()
        rest = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)

    records = rest.decode().split("\n\n")
    assert json.loads(data_of(records[-2])) == STOPPING
    assert b"[DONE]" not in rest
    assert all(each.closed.is_set() for each in llm.streams)


async def test_a_body_that_never_comes_is_cut_too() -> None:
    llm = FakeLLM()
    async with service_of(llm) as service, asyncio.timeout(LIMIT_S):
        headers = {"content-type": "application/json", "content-length": "100"}
        reader, writer = await raw_http.send(service.port, CHAT, None, headers, method="POST")
        await service.ask(path="/healthz")
        service.drain.begin()
        service.drain.cut()
        head = await raw_http.read_head(reader)
        body = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)

    assert (head.status, json.loads(body)) == (503, STOPPING)
    assert llm.requests == []


async def test_a_probe_that_waits_is_cut_too() -> None:
    asked = asyncio.Event()

    class Silent(FakeLLM):
        """A server that never answers."""

        async def check(self) -> Any:
            asked.set()
            await asyncio.Event().wait()

    async with service_of(Silent()) as service, asyncio.timeout(LIMIT_S):
        asking = asyncio.create_task(service.ask(path="/readyz"))
        await asked.wait()
        service.drain.begin()
        service.drain.cut()
        answer = await asking

    assert (answer.status, answer.json) == (503, STOPPING)


async def test_cutting_when_nothing_is_under_way_does_nothing() -> None:
    async with service_of(FakeLLM()) as service:
        await service.ask(ASK)
        service.drain.cut()
        answer = await service.ask(ASK)

    assert answer.status == 200
