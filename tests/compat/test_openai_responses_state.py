"""The official client on what is kept: in the background, in lists, in conversations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest

from domain.errors import UpstreamProtocolError
from domain.events import ReasoningDelta, TextDelta, ToolCallDelta
from tests.compat.conftest import in_thread
from tests.support.responses import CALLED, GIF, STOP

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI
    from openai.types.responses import FunctionToolParam, Response, ResponseStreamEvent

    from tests.support.fake_llm import FakeLLM

TOOL: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


async def finished(client: AsyncOpenAI, response: Response) -> Response:
    """Return a response once it is final; following it waits for that."""
    async for _ in await client.responses.retrieve(response.id, stream=True):
        pass
    return await client.responses.retrieve(response.id)


async def queued(client: AsyncOpenAI, **more: Any) -> list[ResponseStreamEvent]:
    stream = await client.responses.create(
        input="hi", model="llama3", background=True, stream=True, **more
    )
    return [event async for event in stream]


async def test_a_response_is_made_in_the_background(client: AsyncOpenAI) -> None:
    taken = await client.responses.create(input="hi", model="llama3", background=True)
    made = await finished(client, taken)

    assert (taken.status, taken.background, taken.usage) == ("queued", True, None)
    assert (made.status, made.output_text) == ("completed", "Hello")


async def test_a_stream_of_the_background_is_had_again(client: AsyncOpenAI) -> None:
    events = await queued(client)
    first = events[0]
    assert first.type == "response.created"
    again = await client.responses.retrieve(first.response.id, stream=True)
    rest = await client.responses.retrieve(first.response.id, stream=True, starting_after=3)

    assert [event async for event in again] == events
    assert [event async for event in rest] == events[4:]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:3]] == [
        "response.created",
        "response.queued",
        "response.in_progress",
    ]


async def test_the_helper_takes_up_a_stream(client: AsyncOpenAI) -> None:
    events = await queued(client)
    first = events[0]
    assert first.type == "response.created"

    async with client.responses.stream(response_id=first.response.id, starting_after=3) as stream:
        seen = [event.sequence_number async for event in stream]
        final = await stream.get_final_response()

    assert seen == list(range(4, len(events)))
    assert final.output_text == "Hello"


async def test_a_response_is_cancelled(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    taken = await client.responses.create(input="hi", model="llama3", background=True)

    cancelled = await client.responses.cancel(taken.id)
    again = await client.responses.cancel(taken.id)
    kept = await client.responses.retrieve(taken.id)
    stream = await client.responses.retrieve(taken.id, stream=True)
    events = [event async for event in stream]

    assert cancelled.status == again.status == kept.status == "cancelled"
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.status == "cancelled"


async def test_a_failure_in_the_background(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel")], UpstreamProtocolError("It broke."))

    taken = await client.responses.create(input="hi", model="llama3", background=True)
    made = await finished(client, taken)

    assert made.status == "failed"
    assert made.error is not None
    assert (made.error.code, made.error.message) == ("server_error", "It broke.")


async def test_only_what_is_in_the_background_is_cancelled(client: AsyncOpenAI) -> None:
    made = await client.responses.create(input="hi", model="llama3")

    with pytest.raises(openai.BadRequestError):
        await client.responses.cancel(made.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.cancel("resp_none")


async def test_the_input_is_listed(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), ToolCallDelta(0, "call_1", "get_weather", "{}"), CALLED])
    first = await client.responses.create(
        model="thinker",
        tools=[TOOL],
        input=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
    )
    second = await client.responses.create(
        model="thinker",
        tools=[TOOL],
        previous_response_id=first.id,
        input=[{"type": "function_call_output", "call_id": "call_1", "output": "sunny"}],
    )

    pages = client.responses.input_items.list(second.id, order="asc", limit=2)
    items = [item async for item in pages]

    assert [item.type for item in items] == [
        "message",
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]
    newest = await client.responses.input_items.list(second.id, after=items[-1].id)
    assert newest.data == items[-2::-1]
    assert not newest.has_more


async def test_images_are_listed(client: AsyncOpenAI) -> None:
    made = await client.responses.create(
        model="viewer",
        input=[
            {
                "role": "user",
                "content": [{"type": "input_image", "image_url": GIF, "detail": "auto"}],
            }
        ],
    )

    (item,) = [item async for item in client.responses.input_items.list(made.id)]

    assert item.type == "message"
    (part,) = item.content
    assert part.type == "input_image"
    assert part.image_url == GIF


async def test_a_conversation_goes_on(client: AsyncOpenAI, llm: FakeLLM) -> None:
    conversation = await client.conversations.create(
        items=[{"role": "user", "content": "One"}], metadata={"topic": "tea"}
    )
    first = await client.responses.create(input="Two", model="llama3", conversation=conversation.id)
    async with client.responses.stream(
        input="Three", model="llama3", conversation=conversation.id
    ) as stream:
        second = await stream.get_final_response()
    kept = [item async for item in client.conversations.items.list(conversation.id, order="asc")]

    assert first.conversation is not None
    assert first.conversation.id == conversation.id
    assert second.output_text == "Hello"
    told = [message.text for message in llm.requests[1].messages]
    assert told == ["One", "Two", "Hello", "Three"]
    assert [item.type for item in kept] == ["message"] * 5
    assert await client.conversations.retrieve(conversation.id) == conversation


async def test_a_conversation_is_changed(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()
    items = client.conversations.items
    added = await items.create(
        conversation.id, items=[{"role": "user", "content": text} for text in ("One", "Two")]
    )
    first, second = added.data

    assert first.id is not None
    assert second.id is not None
    assert await items.retrieve(first.id, conversation_id=conversation.id) == first
    await items.delete(first.id, conversation_id=conversation.id)
    left = [item async for item in items.list(conversation.id, limit=1)]
    changed = await client.conversations.update(conversation.id, metadata={"a": "b"})
    deleted = await client.conversations.delete(conversation.id)

    assert left == [second]
    assert changed.metadata == {"a": "b"}
    assert deleted.deleted
    with pytest.raises(openai.NotFoundError):
        await client.conversations.retrieve(conversation.id)


async def test_tokens_are_counted(client: AsyncOpenAI) -> None:
    counted = await client.responses.input_tokens.count(
        input="hi", model="thinker", instructions="Be brief.", tools=[TOOL]
    )

    assert counted.input_tokens == 7


async def test_a_chain_is_made_short(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hello"), STOP])
    llm.play([TextDelta("They greeted."), STOP])
    first = await client.responses.create(input="hi", model="llama3")

    short = await client.responses.compact(model="llama3", previous_response_id=first.id)
    (item,) = short.output
    assert item.type == "compaction"
    second = await client.responses.create(
        model="llama3",
        input=[
            {"type": "compaction", "encrypted_content": item.encrypted_content},
            {"role": "user", "content": "And?"},
        ],
    )

    assert second.output_text == "Hello"
    assert "They greeted." in llm.requests[2].messages[0].text


async def test_the_synchronous_client_does_all_that(base_url: str) -> None:
    def work(client: OpenAI) -> list[Any]:
        taken = client.responses.create(input="hi", model="llama3", background=True)
        events = list(client.responses.retrieve(taken.id, stream=True))
        with client.responses.stream(response_id=taken.id) as stream:
            text = stream.get_final_response().output_text
        cancelled = client.responses.cancel(taken.id)
        listed = list(client.responses.input_items.list(taken.id))
        conversation = client.conversations.create(items=[{"role": "user", "content": "One"}])
        more = client.responses.create(
            input="Two", model="llama3", conversation=conversation.id, stream=True
        )
        last = list(more)[-1]
        items = list(client.conversations.items.list(conversation.id, limit=2))
        client.responses.delete(taken.id)
        return [events[-1].type, text, cancelled.status, len(listed), last.type, len(items)]

    assert await in_thread(base_url, work) == [
        "response.completed",
        "Hello",
        "completed",
        1,
        "response.completed",
        3,
    ]
