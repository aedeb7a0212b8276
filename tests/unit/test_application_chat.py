from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from application.generation import Generation
from application.streaming import Limits
from domain.chat import ChatResult, FinishReason
from domain.errors import (
    NotFoundError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
)
from domain.events import Finished, TextDelta
from domain.messages import ImageLink, ImagePart, Message, Role, TextPart
from domain.sampling import Sampling
from tests.support import builders
from tests.support.answering import chat_service
from tests.support.fake_llm import HELLO, USAGE, FakeLLM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.choices import ChoiceStream
    from domain.events import ChatEvent

STOP = Finished(FinishReason.STOP, USAGE)
ASK = builders.ChatRequestFactory.build()
SEEDED = builders.ChatRequestFactory.build(sampling=Sampling(seed=40))
LIMIT_S = 10
TINY = Limits(first_token_s=0.01, idle_s=0.01, total_s=10)


def said(text: str) -> ChatResult:
    return ChatResult(text, FinishReason.STOP, USAGE)


async def taken(choices: ChoiceStream) -> list[tuple[int, list[ChatEvent]]]:
    try:
        return [(index, list(batch)) async for index, batch in choices]
    finally:
        await choices.aclose()


def all_closed(llm: FakeLLM) -> bool:
    return all(stream.closed.is_set() for stream in llm.streams)


async def test_a_whole_answer_has_an_id_a_time_and_the_callers_name_of_the_model() -> None:
    llm = FakeLLM()

    generation, results = await chat_service(llm).complete(ASK)

    assert generation == Generation("chatcmpl-1", 1_700_000_000, "smollm2:135m")
    assert results == [said("Hello")]
    assert all_closed(llm)


async def test_a_stream_yields_what_the_port_yields() -> None:
    llm = FakeLLM()

    generation, choices = await chat_service(llm).stream(ASK)

    assert generation.id == "chatcmpl-1"
    assert await taken(choices) == [(0, list(step)) for step in HELLO if isinstance(step, list)]
    assert all_closed(llm)


async def test_several_answers_are_generated_side_by_side() -> None:
    llm = FakeLLM()
    llm.gate = asyncio.Event()

    working = asyncio.create_task(chat_service(llm).complete(ASK, 3))
    async with asyncio.timeout(LIMIT_S):
        await llm.opened(3)
        llm.gate.set()
        _, results = await working

    assert results == [said("Hello")] * 3


async def test_each_choice_has_a_seed_of_its_own() -> None:
    whole, streamed = FakeLLM(), FakeLLM()

    await chat_service(whole).complete(SEEDED, 3)
    _, choices = await chat_service(streamed).stream(SEEDED, 3)
    await taken(choices)

    for llm in (whole, streamed):
        assert [request.sampling.seed for request in llm.requests] == [40, 41, 42]


async def test_without_a_seed_the_choices_are_left_to_chance() -> None:
    llm = FakeLLM()

    await chat_service(llm).complete(ASK, 2)

    assert [request.sampling.seed for request in llm.requests] == [None, None]


async def test_batches_of_all_choices_come_as_they_arrive() -> None:
    llm = FakeLLM()
    gate = asyncio.Event()
    llm.play([TextDelta("a")], gate, [TextDelta("b"), STOP])
    llm.play([TextDelta("c")], [TextDelta("d"), STOP])

    _, choices = await chat_service(llm).stream(ASK, 2)
    first = [await anext(choices) for _ in range(3)]
    gate.set()
    rest = await taken(choices)

    assert [(index, list(batch)) for index, batch in first] == [
        (0, [TextDelta("a")]),
        (1, [TextDelta("c")]),
        (1, [TextDelta("d"), STOP]),
    ]
    assert rest == [(0, [TextDelta("b"), STOP])]
    assert all_closed(llm)


async def test_one_failure_ends_the_other_answers() -> None:
    llm = FakeLLM()
    llm.play([TextDelta("a")], asyncio.Event())
    llm.play([TextDelta("a")], UpstreamError("broken"))

    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(UpstreamError, match="broken"):
            await chat_service(llm).complete(ASK, 2)

    assert all_closed(llm)


async def test_one_failure_ends_the_stream_of_all() -> None:
    llm = FakeLLM()
    llm.play([TextDelta("a")], asyncio.Event())
    llm.play([TextDelta("b")], UpstreamError("broken"))

    _, choices = await chat_service(llm).stream(ASK, 2)
    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(UpstreamError, match="broken"):
            await taken(choices)

    assert all_closed(llm)


async def test_a_failure_of_the_first_batch_shows_before_anything_is_sent() -> None:
    llm = FakeLLM()
    llm.play(asyncio.Event())
    llm.play(UpstreamError("broken"))

    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(UpstreamError, match="broken"):
            await chat_service(llm).stream(ASK, 2)

    assert all_closed(llm)


async def test_an_unknown_model_shows_before_anything_is_sent() -> None:
    with pytest.raises(NotFoundError):
        await chat_service(FakeLLM()).stream(builders.ChatRequestFactory.build(model="nope"))


@pytest.mark.parametrize("n", [1, 3])
async def test_a_caller_who_leaves_stops_every_answer(n: int) -> None:
    llm = FakeLLM([TextDelta("a")], asyncio.Event())

    working = asyncio.create_task(chat_service(llm).complete(ASK, n))
    async with asyncio.timeout(LIMIT_S):
        await llm.opened(n)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

    assert all_closed(llm)


@pytest.mark.parametrize("turns", range(8))
async def test_a_caller_who_leaves_at_any_moment_of_the_start_leaves_nothing(turns: int) -> None:
    llm = FakeLLM(asyncio.Event())

    working = asyncio.create_task(chat_service(llm).stream(ASK, 3))
    for _ in range(turns):
        await asyncio.sleep(0)
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working

    assert all_closed(llm)


async def test_closing_a_stream_of_several_stops_all() -> None:
    llm = FakeLLM([TextDelta("a")], asyncio.Event())

    _, choices = await chat_service(llm).stream(ASK, 3)
    await choices.aclose()

    assert len(llm.streams) == 3
    assert all_closed(llm)


@pytest.mark.parametrize(
    ("before", "limits", "code"),
    [
        pytest.param([], TINY, "first_token_timeout", id="no first token"),
        pytest.param([[TextDelta("a")]], TINY, "idle_timeout", id="silence inside"),
        pytest.param(
            [[TextDelta("a")]], Limits(total_s=0.01), "total_timeout", id="too long in all"
        ),
    ],
)
@pytest.mark.parametrize("n", [1, 2])
async def test_no_answer_hangs(
    before: Sequence[list[ChatEvent]], limits: Limits, code: str, n: int
) -> None:
    llm = FakeLLM(*before, asyncio.Event())

    async with asyncio.timeout(LIMIT_S):
        with pytest.raises(UpstreamTimeoutError) as caught:
            await chat_service(llm, limits).complete(ASK, n)

    assert caught.value.code == code
    assert all_closed(llm)


async def test_an_answer_without_an_end_is_a_failure() -> None:
    llm = FakeLLM([TextDelta("a")])

    with pytest.raises(UpstreamProtocolError) as caught:
        await chat_service(llm).complete(ASK)

    assert caught.value.code == "upstream_truncated"
    assert all_closed(llm)


async def test_linked_images_are_fetched_before_the_model_is_asked() -> None:
    llm = FakeLLM()
    parts = (TextPart("What?"), ImageLink("https://a/b.png", "messages[0]"))
    content = Message(Role.USER, parts)
    request = builders.ChatRequestFactory.build(
        model="viewer", messages=(Message(Role.USER, "Hi"), content)
    )

    await chat_service(llm).complete(request)

    picture = ImagePart("image/png", "https://a/b.png")
    assert llm.requests[0].messages == (
        Message(Role.USER, "Hi"),
        Message(Role.USER, (TextPart("What?"), picture)),
    )
