"""The official client talks to Responses; strict validation is on, and its helpers keep count."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest
from pydantic import BaseModel

from domain.chat import FinishReason, TokenLogprob
from domain.errors import UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from tests.compat.conftest import in_thread
from tests.support.fake_llm import USAGE

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI
    from openai.types.responses import FunctionToolParam

    from tests.support.fake_llm import FakeLLM

STOP = Finished(FinishReason.STOP, USAGE)
CALLED = Finished(FinishReason.TOOL_CALLS, USAGE)
CUT = Finished(FinishReason.LENGTH, USAGE)
TOOL: FunctionToolParam = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


class Person(BaseModel):
    name: str
    born: int


async def test_a_string_is_answered(client: AsyncOpenAI) -> None:
    response = await client.responses.create(input="hi", model="llama3")

    assert response.output_text == "Hello"
    assert response.status == "completed"
    assert response.usage is not None
    assert response.usage.total_tokens == 9


async def test_the_synchronous_client_is_answered(base_url: str) -> None:
    text = await in_thread(
        base_url, lambda client: client.responses.create(input="hi", model="llama3").output_text
    )

    assert text == "Hello"


async def test_everything_at_once_is_valid(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play(
        [ReasoningDelta("Hm."), TextDelta("Hi", (TokenLogprob("Hi", -0.5, None),))],
        [ToolCallDelta(0, "call_1", "get_weather", "{}")],
        [ToolCallDelta(1, "call_2", "sh", '{"input":"ls"}'), CALLED],
    )

    response = await client.responses.create(
        input=[{"role": "user", "content": "hi"}],
        model="thinker",
        instructions="Be brief.",
        tools=[TOOL, {"type": "custom", "name": "sh"}],
        tool_choice={
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [
                {"type": "function", "name": "get_weather"},
                {"type": "custom", "name": "sh"},
            ],
        },
        include=["reasoning.encrypted_content", "message.output_text.logprobs"],
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "text"}, "verbosity": "low"},
        metadata={"a": "b"},
        truncation="auto",
        service_tier="auto",
        max_output_tokens=64,
    )

    kinds = [item.type for item in response.output]
    assert kinds == ["reasoning", "message", "function_call", "custom_tool_call"]


async def test_a_response_goes_on_and_is_had_again(client: AsyncOpenAI, llm: FakeLLM) -> None:
    first = await client.responses.create(input="hi", model="llama3")
    second = await client.responses.create(
        input="more", model="llama3", previous_response_id=first.id
    )

    assert await client.responses.retrieve(second.id) == second
    assert len(llm.requests[1].messages) == 3
    await client.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError, match="not found"):
        await client.responses.retrieve(first.id)
    with pytest.raises(openai.BadRequestError) as caught:
        await client.responses.create(input="?", model="llama3", previous_response_id=first.id)
    assert caught.value.code == "previous_response_not_found"


async def test_a_stream_is_iterated(client: AsyncOpenAI) -> None:
    stream = await client.responses.create(input="hi", model="llama3", stream=True)

    events = [event async for event in stream]

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"


async def test_the_helper_gathers_a_stream(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play(
        [ReasoningDelta("H"), ReasoningDelta("m.")],
        [TextDelta("Let me "), TextDelta("see.")],
        [
            ToolCallDelta(0, "call_1", "get_weather", '{"city":'),
            ToolCallDelta(0, None, None, '"Rome"}'),
            ToolCallDelta(1, "call_2", "get_weather", "{}"),
            CALLED,
        ],
    )

    deltas: list[str] = []
    async with client.responses.stream(input="hi", model="thinker", tools=[TOOL]) as stream:
        async for event in stream:
            if event.type == "response.function_call_arguments.delta":
                deltas.append(event.snapshot)  # noqa: PERF401 - the types are told apart here
        response = await stream.get_final_response()

    assert deltas == ['{"city":', '{"city":"Rome"}', "{}"]
    assert response.output_text == "Let me see."
    kept = await client.responses.retrieve(response.id)
    ids = [item.model_dump()["id"] for item in kept.output]
    assert ids == [item.model_dump()["id"] for item in response.output]


async def test_text_is_parsed(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta('{"name":"Ada","born":1815}'), STOP])
    llm.play([TextDelta('{"name":"Ada",'), TextDelta('"born":1815}'), STOP])

    response = await client.responses.parse(input="Who?", model="llama3", text_format=Person)
    async with client.responses.stream(input="Who?", model="llama3", text_format=Person) as stream:
        streamed = await stream.get_final_response()

    assert response.output_parsed == Person(name="Ada", born=1815)
    assert streamed.output_parsed == response.output_parsed
    assert llm.requests[0].output == llm.requests[1].output


async def test_the_synchronous_client_streams_and_parses(base_url: str, llm: FakeLLM) -> None:
    llm.script = ([TextDelta('{"name":"Ada",'), TextDelta('"born":1815}'), STOP],)

    def work(client: OpenAI) -> list[Person | None]:
        parsed = client.responses.parse(input="Who?", model="llama3", text_format=Person)
        with client.responses.stream(input="?", model="llama3", text_format=Person) as stream:
            streamed = stream.get_final_response()
        events = list(client.responses.create(input="Who?", model="llama3", stream=True))
        last = events[-1]
        assert last.type == "response.completed"
        kept = client.responses.retrieve(last.response.id)
        client.responses.delete(kept.id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(kept.id)
        raw = Person.model_validate_json(kept.output_text)
        return [parsed.output_parsed, streamed.output_parsed, raw]

    assert await in_thread(base_url, work) == [Person(name="Ada", born=1815)] * 3


async def test_a_tool_goes_round(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ToolCallDelta(0, "call_1", "get_weather", '{"city":"Rome"}'), CALLED])
    history: list[Any] = [{"role": "user", "content": "hi"}]

    first = await client.responses.create(input=history, model="thinker", tools=[TOOL])
    history += [item.model_dump() for item in first.output]
    history.append({"type": "function_call_output", "call_id": "call_1", "output": "sunny"})
    second = await client.responses.create(input=history, model="thinker", tools=[TOOL])

    assert second.output_text == "Hello"
    assert [message.role for message in llm.requests[1].messages] == ["user", "assistant", "tool"]


async def test_a_cut_answer_is_incomplete(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.script = ([TextDelta("Hel"), CUT],)

    response = await client.responses.create(input="hi", model="llama3", max_output_tokens=16)
    stream = await client.responses.create(input="hi", model="llama3", stream=True)
    last = [event async for event in stream][-1]

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert last.type == "response.incomplete"


async def test_a_failure_in_the_middle_is_an_event(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel")], UpstreamProtocolError("It broke."))

    stream = await client.responses.create(input="hi", model="llama3", stream=True)
    last = [event async for event in stream][-1]

    assert last.type == "response.failed"
    assert last.response.error is not None
    assert (last.response.error.code, last.response.error.message) == ("server_error", "It broke.")


async def test_a_refusal_has_the_words_of_this_endpoint(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await client.responses.create(
            input="hi", model="smollm2:135m", reasoning={"effort": "high"}
        )

    assert caught.value.param == "reasoning.effort"


async def test_the_simple_shape_is_there_for_the_asking(client: AsyncOpenAI) -> None:
    raw = await client.responses.with_raw_response.create(
        input="hi", model="llama3", extra_headers={"x-responses-shape": "simple"}
    )

    assert list(json.loads(raw.text)) == ["model", "output"]
