"""The official client and streams: by hand, and through its helper that checks their order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from openai import APIConnectionError, APIError
from openai.lib.streaming.chat import ContentDeltaEvent, ContentDoneEvent

from domain.chat import FinishReason, TokenLogprob
from domain.errors import UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta
from tests.compat.conftest import in_thread, official, serving_openai
from tests.compat.test_openai_python import ADA, ADA_TEXT, ASK, END, Person
from tests.support.fake_llm import FakeLLM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openai import AsyncOpenAI, OpenAI
    from openai.types.chat import ChatCompletionChunk


def summary(chunks: Sequence[ChatCompletionChunk]) -> Sequence[object]:
    """Return each chunk's change: a delta, a reason to end, or the usage."""
    return [
        (choice.index, choice.finish_reason or choice.delta.model_dump(exclude_unset=True))
        for chunk in chunks
        for choice in chunk.choices
    ] + [chunk.usage.total_tokens for chunk in chunks if chunk.usage is not None]


async def test_a_stream(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="llama3", messages=ASK, stream=True)
    chunks = [chunk async for chunk in stream]

    assert summary(chunks) == [
        (0, {"role": "assistant", "content": "", "refusal": None}),
        (0, {"content": "Hel"}),
        (0, {"content": "lo"}),
        (0, "stop"),
    ]
    assert {(chunk.id, chunk.created, chunk.model) for chunk in chunks} == {
        ("chatcmpl-2", 1_700_000_000, "llama3")
    }


async def test_a_stream_to_the_synchronous_client(base_url: str) -> None:
    def ask(client: OpenAI) -> str:
        stream = client.chat.completions.create(model="llama3", messages=ASK, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    assert await in_thread(base_url, ask) == "Hello"


async def test_the_last_chunk_has_the_usage_that_was_asked_for(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="llama3", messages=ASK, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    assert [chunk.usage is None for chunk in chunks] == [True, True, True, True, False]
    assert (chunks[-1].choices, summary(chunks)[-1]) == ([], 9)


async def test_choices_are_told_apart_by_their_index(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="llama3", messages=ASK, stream=True, n=3)
    texts = ["", "", ""]
    ends: list[int] = []
    async for chunk in stream:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            ends += [choice.index] if choice.finish_reason else []

    assert (texts, sorted(ends)) == (["Hello"] * 3, [0, 1, 2])


async def test_the_helper_takes_several_choices(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="llama3", messages=ASK, n=3) as stream:
        answer = await stream.get_final_completion()

    assert [choice.message.content for choice in answer.choices] == ["Hello"] * 3
    assert [choice.message.role for choice in answer.choices] == ["assistant"] * 3


async def test_the_helper_gives_events_and_the_whole_answer(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(
        model="llama3", messages=ASK, stream_options={"include_usage": True}
    ) as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_completion()

    assert [e.delta for e in events if isinstance(e, ContentDeltaEvent)] == ["", "Hel", "lo"]
    assert [e.content for e in events if isinstance(e, ContentDoneEvent)] == ["Hello"]
    assert answer.usage is not None
    assert (answer.usage.total_tokens, answer.choices[0].message.content) == (9, "Hello")


async def test_the_helper_parses(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play(*ADA_TEXT)

    async with client.chat.completions.stream(
        model="llama3", messages=ASK, response_format=Person
    ) as stream:
        answer = await stream.get_final_completion()

    assert answer.choices[0].message.parsed == ADA


async def test_the_helper_parses_for_the_synchronous_client(base_url: str, llm: FakeLLM) -> None:
    llm.play(*ADA_TEXT)

    def ask(client: OpenAI) -> Person | None:
        with client.chat.completions.stream(
            model="llama3", messages=ASK, response_format=Person
        ) as stream:
            return stream.get_final_completion().choices[0].message.parsed

    assert await in_thread(base_url, ask) == ADA


async def test_logprobs_come_with_their_text(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hi", (TokenLogprob("Hi", -0.5, None),)), END])

    async with client.chat.completions.stream(
        model="llama3", messages=ASK, logprobs=True
    ) as stream:
        answer = await stream.get_final_completion()

    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert [(t.token, t.bytes, t.top_logprobs) for t in logprobs.content or ()] == [
        ("Hi", None, [])
    ]


async def test_reasoning_is_streamed_under_both_names(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm.")], [TextDelta("Yes."), END])

    stream = await client.chat.completions.create(model="thinker", messages=ASK, stream=True)
    chunks = [chunk async for chunk in stream]

    assert summary(chunks)[1:3] == [
        (0, {"reasoning_content": "Hm.", "reasoning": "Hm."}),
        (0, {"content": "Yes."}),
    ]


async def test_an_answer_that_was_cut_says_length(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel"), Finished(FinishReason.LENGTH, END.usage)])

    stream = await client.chat.completions.create(model="llama3", messages=ASK, stream=True)

    assert summary([chunk async for chunk in stream])[-1] == (0, "length")


async def test_a_failure_inside_a_stream_is_raised(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel")], UpstreamProtocolError("It broke.", code="upstream_truncated"))

    stream = await client.chat.completions.create(model="llama3", messages=ASK, stream=True)
    came = [await anext(stream), await anext(stream)]
    with pytest.raises(APIError, match=r"^It broke\.$") as caught:
        await anext(stream)

    assert summary(came)[-1] == (0, {"content": "Hel"})
    assert (caught.value.code, caught.value.type) == ("upstream_truncated", "server_error")


async def test_a_failure_inside_a_stream_is_raised_by_the_helper(
    client: AsyncOpenAI, llm: FakeLLM
) -> None:
    llm.play([TextDelta("Hel")])

    with pytest.raises(APIError) as caught:
        async with client.chat.completions.stream(model="llama3", messages=ASK) as stream:
            await stream.get_final_completion()

    assert caught.value.code == "upstream_truncated"


async def test_a_service_that_stops_does_not_end_a_stream_in_silence() -> None:
    llm = FakeLLM()
    llm.gate = asyncio.Event()
    async with serving_openai(llm) as url:
        client = official(url)
        stream = await client.chat.completions.create(model="llama3", messages=ASK, stream=True)
        await anext(stream)

    async with client:
        with pytest.raises(APIConnectionError):
            [chunk async for chunk in stream]
