"""The official client's WebSocket, each event held to the client's own types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openai.types.responses import ResponsesServerEvent
from pydantic import TypeAdapter

from domain.chat import FinishReason
from domain.events import Finished, ReasoningDelta, TextDelta
from tests.support.fake_llm import USAGE
from tests.support.responses import CALL, CALLED, TOOL

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.resources.responses.responses import AsyncResponsesConnection

    from tests.support.fake_llm import FakeLLM

ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})
_event: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)


async def turn(connection: AsyncResponsesConnection, **body: Any) -> list[Any]:
    """Return the events that answer a body, each of them read strictly."""
    await connection.response.create(**body)
    events: list[Any] = []
    while not events or events[-1].type not in ENDS:
        raw = await connection.recv_bytes()
        events.append(_event.validate_json(raw, strict=True))
    return events


async def test_turns_go_on_from_each_other(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm.")], [TextDelta("Let me see."), CALL, CALLED])
    async with client.responses.connect() as connection:
        first = await turn(
            connection, model="thinker", input="Hi", tools=[TOOL], store=False, stream_id="a"
        )
        called = first[-1].response
        output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
        second = await turn(
            connection,
            model="thinker",
            input=[output],
            store=False,
            previous_response_id=called.id,
        )

    assert {event.stream_id for event in first} == {"a"}
    assert [item.type for item in called.output] == ["reasoning", "message", "function_call"]
    assert second[-1].response.output_text == "Hello"


async def test_a_warm_up(client: AsyncOpenAI) -> None:
    async with client.responses.connect() as connection:
        ready = await turn(connection, model="llama3", input="Hi", generate=False, store=False)
        response = ready[-1].response
        events = await turn(
            connection, model="llama3", input="And?", previous_response_id=response.id
        )

    assert response.output == []
    assert events[-1].response.status == "completed"


async def test_a_cut_answer(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel"), Finished(FinishReason.LENGTH, USAGE)])
    async with client.responses.connect() as connection:
        events = await turn(connection, model="llama3", input="Hi", max_output_tokens=16)

    assert events[-1].response.incomplete_details.reason == "max_output_tokens"


async def test_an_error_is_an_event(client: AsyncOpenAI) -> None:
    async with client.responses.connect() as connection:
        (event,) = await turn(connection, input="Hi", previous_response_id="resp_0")
        answered = await turn(connection, input="Hi")

    assert event.status == 400
    assert event.error.code == "previous_response_not_found"
    assert answered[-1].response.status == "completed"


async def test_a_frame_that_is_no_event(client: AsyncOpenAI) -> None:
    async with client.responses.connect() as connection:
        await connection.send_raw("[]")
        event = await connection.recv()

    assert event.type == "error"
