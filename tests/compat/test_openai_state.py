"""The official client uses what is kept: background, items, contexts, conversations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import openai
import pytest

from domain.events import ReasoningDelta, TextDelta
from tests.compat.conftest import official
from tests.support.responses import STOP

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from tests.support.fake_llm import FakeLLM


async def test_a_response_in_the_background_is_polled(client: AsyncOpenAI) -> None:
    taken = await client.responses.create(input="hi", model="llama3", background=True)
    stream = await client.responses.retrieve(taken.id, stream=True)
    events = [event async for event in stream]
    made = await client.responses.retrieve(taken.id)

    assert (taken.status, made.status, made.output_text) == ("queued", "completed", "Hello")
    assert [event.type for event in events][:3] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))


async def test_a_stream_in_the_background_is_taken_up_again(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(input="hi", model="llama3", background=True, stream=True)
    first = await anext(aiter(stream))
    await stream.close()
    assert first.type == "response.created"

    rest = await client.responses.retrieve(first.response.id, stream=True, starting_after=0)
    events = [event async for event in rest]

    assert events[0].sequence_number == 1
    assert events[-1].type == "response.completed"


async def test_the_helper_takes_up_a_stream(client: AsyncOpenAI) -> None:
    taken = await client.responses.create(input="hi", model="llama3", background=True, stream=True)
    events = [event async for event in taken]
    assert events[0].type == "response.created"

    async with client.responses.stream(response_id=events[0].response.id) as stream:
        response = await stream.get_final_response()

    assert response.output_text == "Hello"


async def test_a_response_is_cancelled(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    taken = await client.responses.create(input="hi", model="llama3", background=True)
    plain = await client.responses.create(input="hi", model="nonesuch", background=True)

    cancelled = await client.responses.cancel(taken.id)

    assert cancelled.status == "cancelled"
    assert (await client.responses.cancel(taken.id)).status == "cancelled"
    assert (await client.responses.cancel(plain.id)).status in ("failed", "cancelled")


async def test_what_is_not_in_the_background_is_not_cancelled(client: AsyncOpenAI) -> None:
    made = await client.responses.create(input="hi", model="llama3")

    with pytest.raises(openai.BadRequestError):
        await client.responses.cancel(made.id)


async def test_the_input_is_listed_page_after_page(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), TextDelta("Hello"), STOP])
    first = await client.responses.create(input="hi", model="thinker")
    second = await client.responses.create(
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "ok"},
            {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "ls"},
            {"type": "custom_tool_call_output", "call_id": "d", "output": "ok"},
        ],
        model="thinker",
        previous_response_id=first.id,
    )

    pages = client.responses.input_items.list(
        second.id, limit=2, order="asc", include=["reasoning.encrypted_content"]
    )
    kinds = [item.type async for item in pages]

    assert kinds == [
        "message",
        "reasoning",
        "message",
        "message",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    ]


async def test_tokens_are_counted(client: AsyncOpenAI) -> None:
    counted = await client.responses.input_tokens.count(input="hi", model="llama3")

    assert counted.input_tokens == 7


async def test_a_context_is_made_short_and_gone_on_from(client: AsyncOpenAI, llm: FakeLLM) -> None:
    first = await client.responses.create(input="hi", model="llama3")

    short = await client.responses.compact(model="llama3", previous_response_id=first.id)
    again = [item.model_dump() for item in short.output]
    await client.responses.create(
        input=[*again, {"role": "user", "content": "And?"}],  # type: ignore[list-item]  # as documented
        model="llama3",
    )

    assert [item.type for item in short.output] == ["compaction"]
    assert [message.text for message in llm.requests[-1].messages][-1] == "And?"
    assert "Hello" in llm.requests[-1].messages[0].text


async def test_a_conversation_is_kept(client: AsyncOpenAI) -> None:
    made = await client.conversations.create(
        items=[{"type": "message", "role": "user", "content": "My name is Ada."}],
        metadata={"topic": "names"},
    )
    response = await client.responses.create(
        input="Who am I?", model="llama3", conversation=made.id
    )
    kept = await client.conversations.retrieve(made.id)
    changed = await client.conversations.update(made.id, metadata={"topic": "none"})
    added = await client.conversations.items.create(
        made.id, items=[{"type": "message", "role": "user", "content": "More"}]
    )
    items = [item async for item in client.conversations.items.list(made.id, limit=1)]
    one = await client.conversations.items.retrieve(added.data[0].id or "", conversation_id=made.id)
    await client.conversations.items.delete(added.data[0].id or "", conversation_id=made.id)
    left = [item async for item in client.conversations.items.list(made.id)]
    gone = await client.conversations.delete(made.id)

    assert response.conversation is not None
    assert response.conversation.id == made.id == kept.id
    assert changed.metadata == {"topic": "none"}
    assert [item.type for item in items] == ["message"] * 4
    assert one == added.data[0]
    assert len(left) == 3
    assert gone.deleted
    with pytest.raises(openai.NotFoundError):
        await client.conversations.retrieve(made.id)


async def test_an_empty_conversation_has_an_empty_list(client: AsyncOpenAI) -> None:
    made = await client.conversations.create()

    page = await client.conversations.items.list(made.id)

    assert (page.data, page.has_more) == ([], False)


async def test_a_repeated_create_is_answered_once(base_url: str, llm: FakeLLM) -> None:
    key = {"Idempotency-Key": "k-1"}
    async with official(base_url) as client:
        first, second = [
            await client.responses.create(input="hi", model="llama3", extra_headers=key)
            for _ in range(2)
        ]

    assert first == second
    assert len(llm.requests) == 1
