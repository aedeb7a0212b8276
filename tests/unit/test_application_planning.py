from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from adapters.schema import RustSchemas
from application.planning import Plan, plan
from domain.errors import InvalidRequestError, NotFoundError
from domain.messages import Message, Role
from domain.sampling import (
    TEXT,
    JSONObjectFormat,
    JSONSchemaFormat,
    OutputFormat,
    ReasoningEffort,
    Verbosity,
)
from domain.tool_envelope import Envelope
from domain.tools import ToolChoice
from tests.support import builders
from tests.support.fake_llm import FakeLLM

if TYPE_CHECKING:
    from domain.chat import ChatRequest

WEATHER = builders.ToolDefinitionFactory.build()
FORM = builders.JSONSchemaFormatFactory.build()
IMAGE = Message(Role.USER, (builders.ImagePartFactory.build(),))
USER = Message(Role.USER, "Say hello.")
CALLED = Message(Role.ASSISTANT, tool_calls=(builders.ToolCallFactory.build(),))
RESULT = Message(Role.TOOL, "sunny", tool_call_id="call_1")
TOOLS_TEXT = (
    '{"name": "get_weather", "description": "Weather of a city", "parameters": {"type": '
    '"object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}'
)
JSON_RULE = "Answer with one JSON object and nothing else."


def asking(**fields: Any) -> ChatRequest:
    return builders.ChatRequestFactory.build(**fields)


async def planned(llm: FakeLLM | None = None, **fields: Any) -> Plan:
    return await plan(asking(**fields), llm or FakeLLM(), RustSchemas())


async def refused(**fields: Any) -> tuple[str, str | None, str | None]:
    with pytest.raises(InvalidRequestError) as caught:
        await planned(**fields)
    return caught.value.message, caught.value.code, caught.value.param


async def test_a_plain_question_goes_out_as_it_came() -> None:
    llm = FakeLLM()
    llm.models.clear()

    made = await planned(llm, model="unheard-of")

    assert made.request == asking(model="unheard-of")
    assert (made.envelope, bool(made.demands)) == (None, False)


async def test_what_a_model_can_do_is_asked_where_it_matters() -> None:
    with pytest.raises(NotFoundError):
        await planned(model="nope", tools=(WEATHER,))


@pytest.mark.parametrize(
    ("fields", "message", "param"),
    [
        pytest.param(
            {"tools": (WEATHER,)},
            "The model 'smollm2:135m' does not support tools: choose one with 'tools'",
            "tools",
            id="tools",
        ),
        pytest.param(
            {"messages": (IMAGE,)},
            "The model 'smollm2:135m' cannot see images: choose one with 'vision'",
            "messages",
            id="images",
        ),
        pytest.param(
            {"reasoning": ReasoningEffort.LOW},
            "The model 'smollm2:135m' does not support reasoning: choose one with 'thinking'",
            "reasoning_effort",
            id="reasoning",
        ),
    ],
)
async def test_what_a_model_cannot_do_is_refused(
    fields: dict[str, Any], message: str, param: str
) -> None:
    words = f"{message} among its 'capabilities' in the list of models."
    assert await refused(**fields) == (words, "unsupported_parameter", param)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"tools": (WEATHER,), "tool_choice": ToolChoice.NONE}, id="tools"),
        pytest.param({"reasoning": ReasoningEffort.NONE}, id="no reasoning"),
        pytest.param({"model": "viewer", "messages": (IMAGE,)}, id="images"),
        pytest.param({"model": "thinker", "reasoning": ReasoningEffort.MINIMAL}, id="reasoning"),
        pytest.param({"model": "tools-model", "tools": (WEATHER,)}, id="native tools"),
        pytest.param(
            {"model": "unknowable", "tools": (WEATHER,), "reasoning": ReasoningEffort.HIGH},
            id="a model of which nothing is known",
        ),
    ],
)
async def test_what_a_model_may_do_goes_out_as_it_came(fields: dict[str, Any]) -> None:
    made = await planned(**fields)

    assert made.request == asking(**fields)
    assert made.envelope is None


async def test_a_model_that_does_not_think_is_not_asked_for_a_minimum_of_thought() -> None:
    made = await planned(reasoning=ReasoningEffort.MINIMAL)

    assert made.request == asking()


@pytest.mark.parametrize(
    ("model", "fields", "may_reply", "parallel"),
    [
        pytest.param("tools-model", {"tool_choice": ToolChoice.REQUIRED}, False, True, id="forced"),
        pytest.param(
            "tools-model",
            {"tool_choice": ToolChoice.REQUIRED, "parallel_tool_calls": False},
            False,
            False,
            id="forced, one",
        ),
        pytest.param("tools-model", {"output": FORM}, True, True, id="beside a schema"),
        pytest.param("tools-model", {"output": JSONObjectFormat()}, True, True, id="beside JSON"),
        pytest.param("emulator", {}, True, False, id="emulated"),
        pytest.param(
            "emulator", {"tool_choice": ToolChoice.REQUIRED}, False, False, id="emulated, forced"
        ),
    ],
)
async def test_calls_that_the_server_cannot_be_told_of_come_in_an_envelope(
    model: str,
    fields: dict[str, Any],
    may_reply: bool,  # noqa: FBT001 - a case
    parallel: bool,  # noqa: FBT001 - a case
) -> None:
    made = await planned(model=model, tools=(WEATHER,), **fields)

    output: OutputFormat = fields.get("output", TEXT)
    envelope = Envelope((WEATHER,), may_reply, parallel, output)
    assert made.envelope == envelope
    assert made.request.tools == ()
    assert made.request.output == JSONSchemaFormat("answer", envelope.schema())


async def test_log_probabilities_of_an_envelope_are_nobodys() -> None:
    made = await planned(
        model="tools-model", tools=(WEATHER,), tool_choice=ToolChoice.REQUIRED, top_logprobs=2
    )

    assert made.request.top_logprobs is None


@pytest.mark.parametrize(
    ("fields", "system"),
    [
        pytest.param({"output": JSONObjectFormat()}, JSON_RULE, id="object"),
        pytest.param(
            {"output": JSONSchemaFormat("x", {"const": "ü"})},
            'Answer with JSON that satisfies this JSON Schema, and nothing else:\n{"const": "ü"}',
            id="schema",
        ),
        pytest.param(
            {"verbosity": Verbosity.LOW, "output": JSONObjectFormat()},
            "Answer as briefly as the question allows, with no preamble.\n\n" + JSON_RULE,
            id="verbosity first",
        ),
        pytest.param(
            {
                "model": "tools-model",
                "tools": (WEATHER,),
                "tool_choice": ToolChoice.REQUIRED,
                "output": JSONObjectFormat(),
            },
            Envelope((WEATHER,), may_reply=False, parallel=True, output=TEXT).rule(TOOLS_TEXT),
            id="forced",
        ),
        pytest.param(
            {"model": "tools-model", "tools": (WEATHER,), "output": JSONObjectFormat()},
            Envelope((WEATHER,), may_reply=True, parallel=True, output=TEXT).rule(TOOLS_TEXT)
            + "\n\n"
            + JSON_RULE,
            id="free",
        ),
    ],
)
async def test_the_model_is_told_what_is_wanted(fields: dict[str, Any], system: str) -> None:
    made = await planned(**fields)

    assert made.request.messages == (Message(Role.SYSTEM, system), USER)


async def test_a_tool_without_description_is_shown_without() -> None:
    tool = builders.ToolDefinitionFactory.build(description=None, parameters={})
    made = await planned(model="tools-model", tools=(tool,), tool_choice=ToolChoice.REQUIRED)

    shown = '{"name": "get_weather", "description": "", "parameters": {}}'
    assert shown in made.request.messages[0].text


async def test_a_model_that_knows_no_calls_reads_them_as_text() -> None:
    made = await planned(model="emulator", tools=(WEATHER,), messages=(USER, CALLED, RESULT))

    text = '{"tool_calls": [{"name": "get_weather", "arguments": {"city":"Rome"}}]}'
    assert made.request.messages[1:] == (
        USER,
        Message(Role.ASSISTANT, text),
        Message(Role.USER, "The tool get_weather answered: sunny"),
    )


async def test_a_model_that_knows_calls_gets_them_as_they_are() -> None:
    made = await planned(
        model="tools-model",
        tools=(WEATHER,),
        tool_choice=ToolChoice.REQUIRED,
        messages=(USER, CALLED, RESULT),
    )

    assert made.request.messages[1:3] == (USER, CALLED)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param(
            {"output": JSONSchemaFormat("x", {"type": "nothing"})}, "response_format", id="output"
        ),
        pytest.param(
            {
                "model": "tools-model",
                "tools": (
                    builders.ToolDefinitionFactory.build(strict=True, parameters={"$ref": 1}),
                ),
            },
            "tools",
            id="strict tool",
        ),
    ],
)
async def test_a_schema_that_is_none_is_refused(fields: dict[str, Any], param: str) -> None:
    _, code, at = await refused(**fields)

    assert (code, at) == ("invalid_json_schema", param)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"output": builders.JSONSchemaFormatFactory.build(strict=True)}, id="output"),
        pytest.param(
            {"model": "tools-model", "tools": (builders.ToolDefinitionFactory.build(strict=True),)},
            id="tool",
        ),
        pytest.param(
            {"model": "tools-model", "tools": (WEATHER,), "parallel_tool_calls": False},
            id="one call",
        ),
    ],
)
async def test_what_is_demanded_is_checked(fields: dict[str, Any]) -> None:
    assert (await planned(**fields)).demands


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"output": FORM}, id="lenient"),
        pytest.param({"parallel_tool_calls": False}, id="no tools"),
        pytest.param(
            {
                "tools": (builders.ToolDefinitionFactory.build(strict=True),),
                "tool_choice": ToolChoice.NONE,
                "parallel_tool_calls": False,
            },
            id="no calls",
        ),
    ],
)
async def test_what_is_not_demanded_is_not_checked(fields: dict[str, Any]) -> None:
    assert not (await planned(**fields)).demands
