"""The official client on what is kept, where `test_openai_state` does not go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from domain.errors import UpstreamProtocolError
from domain.events import TextDelta
from tests.compat.conftest import in_thread
from tests.support.responses import GIF

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI
    from openai.types.responses import Response, ResponseStreamEvent

    from tests.support.fake_llm import FakeLLM


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
