from __future__ import annotations

import asyncio
from typing import Any

import pytest

from domain.errors import NotFoundError, UpstreamError, UpstreamProtocolError
from domain.events import TextDelta
from tests.support import builders, raw_http
from tests.support.fake_llm import HELLO, FakeLLM
from tests.support.fake_system import CountingIds, FixedClock
from tests.support.server import serving

REQUEST = builders.ChatRequestFactory.build()


async def test_the_fake_model_says_hello() -> None:
    llm = FakeLLM()

    stream = await llm.stream(REQUEST)
    batches = [batch async for batch in stream]
    await stream.aclose()

    assert batches == list(HELLO)
    assert llm.requests == [REQUEST]
    assert llm.streams[0].closed.is_set()


async def test_the_fake_model_plays_errors_and_cuts() -> None:
    llm = FakeLLM()
    llm.play([TextDelta("a")], UpstreamError("broken"))
    llm.play([TextDelta("a")])

    for expected in (UpstreamError, UpstreamProtocolError):
        stream = await llm.stream(REQUEST)
        assert await anext(stream) == [TextDelta("a")]
        with pytest.raises(expected):
            await anext(stream)


async def test_the_fake_model_holds_its_second_batch_behind_the_gate() -> None:
    llm = FakeLLM()
    llm.gate = asyncio.Event()

    stream = await llm.stream(REQUEST)
    first = await anext(stream)
    second = asyncio.ensure_future(anext(stream))
    llm.gate.set()

    assert [first, await second] == list(HELLO)


async def test_the_fake_model_knows_its_models_and_its_failure() -> None:
    llm = FakeLLM()

    with pytest.raises(NotFoundError):
        await llm.show_model("nope")
    llm.failure = UpstreamError("down")
    with pytest.raises(UpstreamError):
        await llm.check()


async def test_a_closed_stream_may_not_be_read() -> None:
    stream = await FakeLLM().stream(REQUEST)
    await stream.aclose()

    with pytest.raises(RuntimeError):
        await anext(stream)


def test_time_stands_still_and_identifiers_count() -> None:
    ids = CountingIds()

    assert FixedClock(5).unix_time() == 5
    assert [ids.new("a_"), ids.new("b_")] == ["a_1", "b_2"]


async def echo(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        scope["state"]["stopped"] = True
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-path", b"/")]})
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


async def test_an_application_is_served_on_a_socket() -> None:
    async with serving(echo) as port:
        head, body = await raw_http.fetch(port, "/x", {"a": 1}, {"x-y": "z"})

    assert (head.status, head.headers["x-path"], body) == (201, "/", b'{"a": 1}/x')


async def failing(scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": f"{scope['type']}.startup.failed", "message": "no"})


async def test_an_application_that_does_not_start_is_told_of() -> None:
    with pytest.raises(RuntimeError):
        async with serving(failing):
            pass


def test_builders_build_what_stands_there() -> None:
    assert REQUEST.messages[0].content == "Say hello."
    assert builders.ChatResultFactory.build().usage.prompt_tokens == 7
    assert builders.MessageFactory.build(content="x").content == "x"
