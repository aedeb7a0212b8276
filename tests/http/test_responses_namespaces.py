"""Namespaces: tools under one name, which is how Codex offers those of its MCP servers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.events import ToolCallDelta
from domain.tools import ToolCall, ToolChoice
from tests.support.fake_llm import HELLO
from tests.support.responses import CALLED, PATH, TOOL, WEATHER, ask

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

MODEL = "tools-model"
NOTE = {"type": "custom", "name": "note", "description": "Takes a note."}
SPACE: dict[str, Any] = {
    "type": "namespace",
    "name": "mcp__weather",
    "description": "Of a weather station.",
    "tools": [TOOL, NOTE],
}
FULL = "mcp__weather__get_weather"
CALL = ToolCallDelta(0, "call_1", FULL, '{"city":"Rome"}')
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "25 degrees"}


def space(*tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return SPACE | {"tools": list(tools)} | more


async def test_a_model_is_offered_the_tools_by_both_names(service: Service, llm: FakeLLM) -> None:
    answer = await ask(service, model=MODEL, tools=[SPACE, TOOL])

    told = {tool.name: tool.description for tool in llm.requests[0].tools}
    assert told == {
        FULL: "Of a weather station.\n\nWeather",
        "mcp__weather__note": "Takes a note.",
        "get_weather": "Weather",
    }
    assert llm.requests[0].tools[0].parameters == WEATHER.parameters
    note = NOTE | {"format": {"type": "text"}}
    assert answer.json["tools"] == [SPACE | {"tools": [TOOL, note]}, TOOL]
    assert "x-ignored-parameters" not in answer.headers


async def test_a_call_has_the_namespace_and_the_own_name(service: Service, llm: FakeLLM) -> None:
    llm.play([CALL, ToolCallDelta(1, "call_2", "mcp__weather__note", '{"input":"Hot."}'), CALLED])

    answer = await ask(service, model=MODEL, tools=[SPACE])

    shown = [
        (item["type"], item["namespace"], item["name"], item.get("arguments", item.get("input")))
        for item in answer.json["output"]
    ]
    assert shown == [
        ("function_call", "mcp__weather", "get_weather", '{"city":"Rome"}'),
        ("custom_tool_call", "mcp__weather", "note", "Hot."),
    ]


async def test_a_streamed_call_has_them_from_its_beginning(service: Service, llm: FakeLLM) -> None:
    llm.play([CALL, CALLED])

    answer = await ask(service, model=MODEL, tools=[SPACE], stream=True)

    records = [line[6:] for line in answer.body.decode().split("\n") if line.startswith("data: {")]
    items = [event["item"] for event in map(json.loads, records) if "item" in event]
    assert [(item["status"], item["namespace"], item["name"]) for item in items] == [
        ("in_progress", "mcp__weather", "get_weather"),
        ("completed", "mcp__weather", "get_weather"),
    ]


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "sent back"])
async def test_a_model_is_told_of_its_call_by_both_names(
    service: Service, llm: FakeLLM, *, kept: bool
) -> None:
    llm.play([CALL, CALLED])
    called = (await ask(service, model=MODEL, tools=[SPACE])).json
    llm.play(*HELLO)

    if kept:
        more = {"input": [OUTPUT], "previous_response_id": called["id"]}
    else:
        more = {"input": [called["output"][0], OUTPUT]}
    answer = await ask(service, model=MODEL, tools=[SPACE], **more)

    assert answer.status == 200
    calls = [call for turn in llm.requests[1].messages for call in turn.tool_calls]
    assert calls == [ToolCall("call_1", FULL, '{"city":"Rome"}')]


async def test_what_cannot_be_offered_is_passed_over(service: Service, llm: FakeLLM) -> None:
    patch = {"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "lark"}}
    inner = space(TOOL, name="inner")

    answer = await ask(service, model=MODEL, tools=[space(patch, TOOL, inner)])

    assert [tool.name for tool in llm.requests[0].tools] == [FULL]
    assert answer.headers["x-ignored-parameters"] == "tools[0].tools[0], tools[0].tools[2]"


@pytest.mark.parametrize("name", ["get_weather", FULL])
async def test_one_can_be_chosen(service: Service, llm: FakeLLM, name: str) -> None:
    other = TOOL | {"name": "get_time"}

    await ask(
        service,
        model=MODEL,
        tools=[space(other), SPACE, other],
        tool_choice={
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": name}],
        },
    )

    asked = llm.requests[0]
    assert ([tool.name for tool in asked.tools], asked.tool_choice) == ([FULL], ToolChoice.AUTO)


@pytest.mark.parametrize(
    ("tools", "code", "param"),
    [
        pytest.param(
            [{"type": "namespace", "tools": [TOOL]}],
            "missing_required_parameter",
            "tools[0].name",
            id="no name",
        ),
        pytest.param(
            [{"type": "namespace", "name": "n"}],
            "missing_required_parameter",
            "tools[0].tools",
            id="no tools",
        ),
        pytest.param(
            [space({"type": "function"})],
            "missing_required_parameter",
            "tools[0].tools[0].name",
            id="a tool without a name",
        ),
        pytest.param(
            [space({"type": "mcp"})],
            "unsupported_value",
            "tools[0].tools[0].type",
            id="no such",
        ),
        pytest.param([SPACE, TOOL | {"name": FULL}], "invalid_value", "tools", id="a function"),
        pytest.param([SPACE, SPACE], "invalid_value", "tools", id="twice"),
        pytest.param(
            [space(*[TOOL] * 129)], "array_above_max_length", "tools[0].tools", id="too many"
        ),
    ],
)
async def test_a_faulty_one_is_refused(service: Service, tools: Any, code: str, param: str) -> None:
    answer = await ask(service, model=MODEL, tools=tools)

    assert answer.status == 400
    assert (answer.json["error"]["code"], answer.json["error"]["param"]) == (code, param)


async def test_schemas_inside_count_with_the_others(service: Service) -> None:
    big = TOOL | {"parameters": {"type": "object", "description": "a" * 200_000}}

    answer = await ask(service, model=MODEL, tools=[space(*[big] * 6)])

    assert (answer.status, answer.json["error"]["param"]) == (400, "tools")


async def test_a_kept_call_is_shown_with_its_namespace(service: Service, llm: FakeLLM) -> None:
    llm.play([CALL, CALLED])
    called = (await ask(service, model=MODEL, tools=[SPACE])).json

    again = await service.ask(path=f"{PATH}/{called['id']}")

    assert again.json["output"] == called["output"]
