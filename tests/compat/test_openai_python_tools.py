"""The official client and tools: offered, chosen, called, answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import openai
import pytest
from openai.lib.streaming.chat import (
    FunctionToolCallArgumentsDeltaEvent,
    FunctionToolCallArgumentsDoneEvent,
)
from openai.types.chat import ChatCompletionMessageFunctionToolCall
from pydantic import BaseModel

from domain.chat import FinishReason, Usage
from domain.events import Finished, TextDelta, ToolCallDelta
from domain.messages import Message, Role
from domain.sampling import JSONSchemaFormat
from domain.tools import ToolCall
from tests.compat.test_openai_python import ASK, END, Person

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import (
        ChatCompletion,
        ChatCompletionFunctionToolParam,
        ChatCompletionMessageParam,
        ChatCompletionToolChoiceOptionParam,
    )
    from openai.types.chat.completion_create_params import Function

    from tests.support.fake_llm import FakeLLM, Step

CALLED = Finished(FinishReason.TOOL_CALLS, Usage(9, 4))
ROME = ToolCallDelta(0, "call_a", "get_weather", '{"city":"Rome"}')
OSLO = ToolCallDelta(1, "call_b", "get_weather", '{"city":"Oslo"}')
# A call that is forced comes in an envelope.
ENVELOPE: list[Step] = [
    [TextDelta('{"tool_calls": [{"name": "get_weather", "argu')],
    [TextDelta('ments": {"city": "Rome"}}]}'), END],
]


def tool(name: str, *, strict: bool = False) -> ChatCompletionFunctionToolParam:
    """Return a tool that takes a city."""
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": "Weather of a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
                "additionalProperties": False,
            },
            "strict": strict,
        },
    }


TOOLS = [tool("get_weather"), tool("get_time")]


def calls(answer: ChatCompletion) -> list[tuple[str, str, str]]:
    """Return the calls of an answer: id, name, arguments."""
    return [
        (call.id, call.function.name, call.function.arguments)
        for call in answer.choices[0].message.tool_calls or ()
        if isinstance(call, ChatCompletionMessageFunctionToolCall)
    ]


async def test_a_tool_loop(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ROME], [OSLO, CALLED])
    llm.play([TextDelta("Sunny, and snow."), END])
    history: list[ChatCompletionMessageParam] = [*ASK]

    first = await client.chat.completions.create(model="tools-model", messages=history, tools=TOOLS)
    message = first.choices[0].message
    assert (message.content, first.choices[0].finish_reason) == (None, "tool_calls")
    assert calls(first) == [
        ("call_a", "get_weather", '{"city":"Rome"}'),
        ("call_b", "get_weather", '{"city":"Oslo"}'),
    ]

    history.append(message)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - as OpenAI's own examples do
    for call_id, _, arguments in calls(first):
        result = f"Known: {json.loads(arguments)['city']}"
        history.append({"role": "tool", "tool_call_id": call_id, "content": result})
    second = await client.chat.completions.create(
        model="tools-model", messages=history, tools=TOOLS
    )

    assert second.choices[0].message.content == "Sunny, and snow."
    assert llm.requests[1].messages[1:] == (
        Message(
            Role.ASSISTANT,
            tool_calls=(
                ToolCall("call_a", "get_weather", '{"city":"Rome"}'),
                ToolCall("call_b", "get_weather", '{"city":"Oslo"}'),
            ),
        ),
        Message(Role.TOOL, "Known: Rome", tool_call_id="call_a", tool_name="get_weather"),
        Message(Role.TOOL, "Known: Oslo", tool_call_id="call_b", tool_name="get_weather"),
    )


async def test_streamed_calls_add_up(client: AsyncOpenAI, llm: FakeLLM) -> None:
    begin = ToolCallDelta(0, "call_a", "get_weather", '{"city":')
    end = ToolCallDelta(0, None, None, '"Rome"}')
    llm.play([TextDelta("Let me see."), begin], [end], [OSLO, CALLED])

    async with client.chat.completions.stream(
        model="tools-model", messages=ASK, tools=TOOLS
    ) as stream:
        events = [event async for event in stream]
        answer = await stream.get_final_completion()

    deltas = [e for e in events if isinstance(e, FunctionToolCallArgumentsDeltaEvent)]
    ends = [e for e in events if isinstance(e, FunctionToolCallArgumentsDoneEvent)]
    assert [(e.index, e.arguments_delta) for e in deltas] == [
        (0, '{"city":'),
        (0, '"Rome"}'),
        (1, '{"city":"Oslo"}'),
    ]
    assert [(e.index, e.arguments) for e in ends] == [
        (0, '{"city":"Rome"}'),
        (1, '{"city":"Oslo"}'),
    ]
    assert answer.choices[0].message.content == "Let me see."
    assert calls(answer) == [
        ("call_a", "get_weather", '{"city":"Rome"}'),
        ("call_b", "get_weather", '{"city":"Oslo"}'),
    ]


class GetWeather(BaseModel):
    city: str


async def test_parsed_arguments(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ToolCallDelta(0, "call_a", "GetWeather", '{"city":"Rome"}'), CALLED])

    answer = await client.chat.completions.parse(
        model="tools-model", messages=ASK, tools=[openai.pydantic_function_tool(GetWeather)]
    )

    called = answer.choices[0].message.tool_calls or []
    assert [call.function.parsed_arguments for call in called] == [GetWeather(city="Rome")]


CHOICES: list[tuple[ChatCompletionToolChoiceOptionParam, list[str], bool]] = [
    ("auto", ["get_weather", "get_time"], False),
    ("required", ["get_weather", "get_time"], True),
    ({"type": "function", "function": {"name": "get_weather"}}, ["get_weather"], True),
    (
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "get_weather"}}],
            },
        },
        ["get_weather"],
        True,
    ),
    (
        {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "auto",
                "tools": [{"type": "function", "function": {"name": "get_time"}}],
            },
        },
        ["get_time"],
        False,
    ),
]


@pytest.mark.parametrize(
    ("choice", "offered", "forced"),
    CHOICES,
    ids=["auto", "required", "named", "allowed-required", "allowed-auto"],
)
async def test_the_choice_of_tools_binds_the_model(
    client: AsyncOpenAI,
    llm: FakeLLM,
    choice: ChatCompletionToolChoiceOptionParam,
    offered: list[str],
    forced: bool,  # noqa: FBT001 - a case
) -> None:
    name = offered[0]
    script: list[Step] = [[ToolCallDelta(0, "call_a", name, '{"city":"Rome"}'), CALLED]]
    llm.play(*(ENVELOPE if forced else script))

    answer = await client.chat.completions.create(
        model="tools-model", messages=ASK, tools=TOOLS, tool_choice=choice
    )

    (call,) = calls(answer)
    request = llm.requests[0]
    assert (call[1], json.loads(call[2])) == (name, {"city": "Rome"})
    assert isinstance(request.output, JSONSchemaFormat) is forced
    text = json.dumps(request.output.schema) if isinstance(request.output, JSONSchemaFormat) else ""
    seen = [t for t in ("get_weather", "get_time") if f'"{t}"' in text]
    assert (seen or [tool.name for tool in request.tools]) == offered


async def test_no_tool_is_called_where_none_may_be(client: AsyncOpenAI, llm: FakeLLM) -> None:
    answer = await client.chat.completions.create(
        model="llama3", messages=ASK, tools=TOOLS, tool_choice="none"
    )

    assert answer.choices[0].message.content == "Hello"
    assert llm.requests[0].tool_choice == "none"


async def test_a_forced_call_is_streamed_as_a_call(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play(*ENVELOPE)

    async with client.chat.completions.stream(
        model="tools-model", messages=ASK, tools=TOOLS, tool_choice="required"
    ) as stream:
        answer = await stream.get_final_completion()

    assert [(name, json.loads(text)) for _, name, text in calls(answer)] == [
        ("get_weather", {"city": "Rome"})
    ]
    assert answer.choices[0].finish_reason == "tool_calls"


async def test_one_call_at_a_time(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ROME], [OSLO, CALLED])

    answer = await client.chat.completions.create(
        model="tools-model", messages=ASK, tools=TOOLS, parallel_tool_calls=False
    )

    assert [name for _, name, _ in calls(answer)] == ["get_weather"]


async def test_tools_beside_a_json_schema(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta('{"reply": {"name": "Ada", "born": 1815}}'), END])

    answer = await client.chat.completions.parse(
        model="tools-model",
        messages=ASK,
        tools=[tool("get_weather", strict=True)],
        response_format=Person,
    )

    assert answer.choices[0].message.parsed == Person(name="Ada", born=1815)


OLD: Function = {
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


async def test_the_old_form_of_tools(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ROME, CALLED])

    answer = await client.chat.completions.create(
        model="tools-model", messages=ASK, functions=[OLD], function_call="auto"
    )

    call = answer.choices[0].message.function_call
    assert call is not None
    assert (call.name, call.arguments) == ("get_weather", '{"city":"Rome"}')
    assert answer.choices[0].finish_reason == "function_call"
    assert answer.choices[0].message.tool_calls is None


async def test_the_old_form_of_tools_streamed_and_answered(
    client: AsyncOpenAI, llm: FakeLLM
) -> None:
    llm.play(*ENVELOPE)
    stream = await client.chat.completions.create(
        model="tools-model",
        messages=ASK,
        functions=[OLD],
        function_call={"name": "get_weather"},
        stream=True,
    )
    deltas = [chunk.choices[0].delta async for chunk in stream]
    called = [delta.function_call for delta in deltas if delta.function_call]
    arguments = "".join(part.arguments or "" for part in called)

    await client.chat.completions.create(
        model="tools-model",
        messages=[
            *ASK,
            {
                "role": "assistant",
                "content": None,
                "function_call": {"name": called[0].name or "", "arguments": arguments},
            },
            {"role": "function", "name": "get_weather", "content": "Sunny."},
        ],
        functions=[OLD],
    )

    last = llm.requests[1].messages[-1]
    assert (last.role, last.text, last.tool_name) == (Role.TOOL, "Sunny.", "get_weather")
