"""What goes to the model: items, and tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domain.events import TextDelta
from domain.messages import Message, Role, TextPart
from domain.tools import ToolCall, ToolChoice
from tests.support.responses import GIF, PIXEL, STOP, TOOL, WEATHER, ask

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service


async def test_every_kind_of_item_reaches_the_model(service: Service, llm: FakeLLM) -> None:
    answer = await ask(
        service,
        model="viewer",
        input=[
            {"role": "developer", "content": "Be brief."},
            {
                "type": "message",
                "role": "system",
                "content": [{"type": "text", "text": "Be kind."}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What?"},
                    {"type": "input_image", "image_url": GIF, "detail": "low"},
                    {"type": "image_url", "image_url": {"url": GIF}},
                ],
            },
            {
                "type": "reasoning",
                "id": "rs_0",
                "summary": [{"type": "summary_text", "text": "Hm."}],
            },
            {
                "type": "message",
                "id": "msg_0",
                "role": "assistant",
                "status": "completed",
                "phase": "commentary",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Let me see.",
                        "annotations": [],
                        "logprobs": [],
                    },
                    {"type": "refusal", "refusal": " Or not."},
                ],
            },
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "sh", "input": "ls"},
            {
                "type": "custom_tool_call_output",
                "call_id": "c2",
                "output": [{"type": "input_text", "text": "two"}],
            },
            {"role": "assistant", "content": "There."},
            {"role": "user", "content": "Thanks."},
        ],
    )

    assert answer.status == 200
    assert llm.requests[0].messages == (
        Message(Role.SYSTEM, "Be brief.\n\nBe kind."),
        Message(Role.USER, (TextPart("What?"), PIXEL, PIXEL)),
        Message(
            Role.ASSISTANT,
            "Let me see. Or not.",
            tool_calls=(ToolCall("c1", "f", '{"a":1}'),),
            reasoning="Hm.",
        ),
        Message(Role.TOOL, "one", tool_call_id="c1", tool_name="f"),
        Message(Role.ASSISTANT, tool_calls=(ToolCall("c2", "sh", '{"input":"ls"}'),)),
        Message(Role.TOOL, "two", tool_call_id="c2", tool_name="sh"),
        Message(Role.ASSISTANT, "There."),
        Message(Role.USER, "Thanks."),
    )


async def test_items_of_hosted_tools_are_passed_over_and_named(
    service: Service, llm: FakeLLM
) -> None:
    answer = await ask(
        service,
        input=[
            {"role": "user", "content": "Hi"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
            {"type": "computer_call_output", "call_id": "c", "output": {"type": "screenshot"}},
        ],
    )

    assert answer.headers["x-ignored-parameters"] == "input[1], input[2]"
    assert llm.requests[0].messages == (Message(Role.USER, "Hi"),)


async def test_tools_that_are_not_run_are_passed_over_beside_others(
    service: Service, llm: FakeLLM
) -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
    tools = [
        {"type": "web_search", "search_context_size": "low"},
        TOOL,
        {"type": "custom", "name": "apply_patch", "format": grammar},
        {"type": "local_shell"},
    ]

    answer = await ask(service, model="tools-model", tools=tools)

    assert answer.headers["x-ignored-parameters"] == "tools[0], tools[2], tools[3]"
    assert answer.json["tools"] == [TOOL]
    assert llm.requests[0].tools == (WEATHER,)


@pytest.mark.parametrize(
    ("choice", "expected", "offered", "parallel"),
    [
        pytest.param("none", ToolChoice.NONE, ["get_weather", "f"], True, id="none"),
        pytest.param("auto", ToolChoice.AUTO, ["get_weather", "f"], True, id="auto"),
        pytest.param(
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "x"}],
            },
            ToolChoice.AUTO,
            ["f"],
            True,
            id="allowed",
        ),
    ],
)
async def test_the_choice_of_tools(
    service: Service,
    llm: FakeLLM,
    choice: Any,
    expected: ToolChoice,
    offered: list[str],
    *,
    parallel: bool,
) -> None:
    tools = [TOOL, {"type": "function", "name": "f"}]

    answer = await ask(service, model="tools-model", tools=tools, tool_choice=choice)

    request = llm.requests[0]
    assert request.tool_choice is expected
    assert [tool.name for tool in request.tools] == offered
    assert request.parallel_tool_calls is parallel
    assert answer.json["tool_choice"] == (
        choice
        if isinstance(choice, str)
        else choice | {"tools": [{"type": "function", "name": "f"}, {"type": "mcp"}]}
    )
    assert len(answer.json["tools"]) == 2


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param("required", id="required"),
        pytest.param({"type": "function", "name": "get_weather"}, id="named"),
    ],
)
async def test_a_call_can_be_forced(service: Service, llm: FakeLLM, choice: Any) -> None:
    envelope = '{"tool_calls":[{"name":"get_weather","arguments":{"city":"Rome"}}]}'
    llm.play([TextDelta(envelope), STOP])

    answer = await ask(service, model="tools-model", tools=[TOOL], tool_choice=choice)

    (call,) = answer.json["output"]
    assert (call["type"], call["arguments"]) == ("function_call", '{"city":"Rome"}')
    assert answer.json["tool_choice"] == choice
