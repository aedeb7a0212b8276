"""Streams whose first token is late."""

from __future__ import annotations

import asyncio

import pytest

from domain.errors import NotFoundError, UpstreamError
from domain.events import TextDelta
from tests.support import raw_http
from tests.support.fake_llm import HELLO, FakeLLM
from tests.support.service import ASK, CHAT, service_of

LIMIT_S = 10
STREAM = ASK | {"stream": True}
BEAT = b": keep-alive\n\n"
SOON = 0.01


async def test_a_late_stream_is_kept_alive_and_then_answers() -> None:
    gate = asyncio.Event()
    llm = FakeLLM(gate, *HELLO)
    async with service_of(llm, heartbeat_after_s=SOON) as service, asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(service.port, CHAT, STREAM)
        head = await raw_http.read_head(reader)
        beats = [await raw_http.read_chunk(reader) for _ in range(3)]
        gate.set()
        rest = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)

    async with service_of(FakeLLM()) as service:
        prompt = await service.ask(STREAM)
    assert (head.status, beats) == (200, [BEAT] * 3)
    assert rest.replace(BEAT, b"") == prompt.body


async def test_no_comment_comes_between_tokens() -> None:
    gate = asyncio.Event()
    llm = FakeLLM([TextDelta("a")], gate, *HELLO)
    async with service_of(llm, heartbeat_after_s=SOON) as service, asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(service.port, CHAT, STREAM)
        head = await raw_http.read_head(reader)
        await raw_http.read_chunk(reader)
        # Longer than a beat, were there one.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SOON * 5):
                await raw_http.read_chunk(reader)
        gate.set()
        rest = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)

    assert BEAT not in rest


async def test_a_failure_after_the_status_is_an_event() -> None:
    gate = asyncio.Event()
    llm = FakeLLM(gate, UpstreamError("No.", code="upstream_error"))
    async with service_of(llm, heartbeat_after_s=SOON) as service, asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(service.port, CHAT, STREAM)
        head = await raw_http.read_head(reader)
        gate.set()
        rest = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)

    assert head.status == 200
    assert rest.replace(BEAT, b"") == (
        b'data: {"error":{"message":"No.","type":"server_error","param":null,'
        b'"code":"upstream_error"}}\nevent: error\n\n'
    )


@pytest.mark.parametrize("heartbeat_after_s", [0, 30], ids=["never", "later"])
async def test_until_then_a_failure_has_its_status(heartbeat_after_s: float) -> None:
    gate = asyncio.Event()
    llm = FakeLLM(gate, NotFoundError("No.", code="model_not_found"))
    async with service_of(llm, heartbeat_after_s=heartbeat_after_s) as service:
        asking = asyncio.create_task(service.ask(STREAM))
        await llm.asked.wait()
        gate.set()
        answer = await asking

    assert answer.status == 404


async def test_hanging_up_while_waiting_stops_the_model() -> None:
    llm = FakeLLM(asyncio.Event())
    async with service_of(llm, heartbeat_after_s=SOON) as service, asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(service.port, CHAT, STREAM)
        await raw_http.read_head(reader)
        await raw_http.read_chunk(reader)
        await raw_http.hang_up(writer)

        await llm.streams[0].closed.wait()


async def test_a_whole_answer_has_no_comments() -> None:
    gate = asyncio.Event()
    llm = FakeLLM(gate, *HELLO)
    async with service_of(llm, heartbeat_after_s=SOON) as service:
        asking = asyncio.create_task(service.ask(ASK))
        await llm.asked.wait()
        gate.set()
        answer = await asking

    assert answer.json["choices"][0]["message"]["content"] == "Hello"
