from __future__ import annotations

import json
from typing import Any

import pytest

from application.defaults import Defaults
from domain.chat import ChatRequest, EngineOptions
from domain.errors import InvalidRequestError
from domain.messages import Message, Role
from domain.sampling import (
    JSONObjectFormat,
    JSONSchemaFormat,
    ReasoningEffort,
    Sampling,
    Verbosity,
)
from domain.tools import ToolChoice, ToolDefinition
from entrypoints.http.openai.chat import wire
from entrypoints.http.openai.chat.parse import to_domain
from entrypoints.http.openai.parsing import BodyParser

DEFAULTS = Defaults("standard", 0.7)
PARSER = BodyParser(wire.ChatCompletionRequest)
USER: dict[str, Any] = {"role": "user", "content": "Hi"}
NOTHING: dict[str, Any] = {}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"const": 1}}}
F = {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "description": "d"}}
G: dict[str, Any] = {"type": "function", "function": {"name": "g", "strict": True}}
DEFINED_F = ToolDefinition("f", "d", SCHEMA)
DEFINED_G = ToolDefinition("g", None, {"type": "object", "properties": {}}, strict=True)
LEAST = ChatRequest("standard", (Message(Role.USER, "Hi"),), Sampling(temperature=0.7))


def parsed(**fields: Any) -> ChatRequest:
    body = json.dumps({"messages": [USER], **fields}).encode()
    return to_domain(PARSER.parse(body).wire, DEFAULTS)


def refused(**fields: Any) -> tuple[str, str | None, str | None]:
    with pytest.raises(InvalidRequestError) as caught:
        parsed(**fields)
    return caught.value.message, caught.value.code, caught.value.param


def test_what_is_left_out_has_its_default() -> None:
    assert parsed() == LEAST


def test_null_means_not_given() -> None:
    names = [name for name in wire.ChatCompletionRequest.__struct_fields__ if name != "messages"]

    assert parsed(**dict.fromkeys(names)) == LEAST


def test_every_sampling_parameter_arrives() -> None:
    made = parsed(
        temperature=0,
        top_p=0.5,
        frequency_penalty=-1,
        presence_penalty=1.5,
        seed=-3,
        max_completion_tokens=9,
        stop=["a", "b"],
    )

    assert made.sampling == Sampling(0.0, 0.5, -1.0, 1.5, -3, 9, ("a", "b"))


@pytest.mark.parametrize(
    "fields", [{"max_tokens": 5}, {"max_tokens": 5, "max_completion_tokens": 5}]
)
def test_the_older_name_of_the_limit_is_taken(fields: dict[str, Any]) -> None:
    assert parsed(**fields).sampling.max_tokens == 5


def test_one_stop_text_is_a_list_of_one() -> None:
    assert parsed(stop="END").sampling.stop == ("END",)


def test_tools_are_taken_with_and_without_parameters() -> None:
    made = parsed(tools=[F, G])

    assert made.tools == (DEFINED_F, DEFINED_G)
    assert (made.tool_choice, made.parallel_tool_calls) == (ToolChoice.AUTO, True)


ALLOWED = {
    "type": "allowed_tools",
    "allowed_tools": {
        "mode": "required",
        "tools": [{"type": "function", "function": {"name": "g"}}],
    },
}
NAMED_F = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("fields", "choice", "tools", "parallel"),
    [
        pytest.param(
            {"tool_choice": "none"}, ToolChoice.NONE, (DEFINED_F, DEFINED_G), True, id="none"
        ),
        pytest.param(
            {"tool_choice": "required"},
            ToolChoice.REQUIRED,
            (DEFINED_F, DEFINED_G),
            True,
            id="required",
        ),
        pytest.param(
            {"tool_choice": NAMED_F}, ToolChoice.REQUIRED, (DEFINED_F,), False, id="named"
        ),
        pytest.param(
            {"tool_choice": ALLOWED}, ToolChoice.REQUIRED, (DEFINED_G,), True, id="allowed"
        ),
        pytest.param(
            {"parallel_tool_calls": False}, ToolChoice.AUTO, (DEFINED_F, DEFINED_G), False, id="one"
        ),
    ],
)
def test_a_choice_of_tools(
    fields: dict[str, Any],
    choice: ToolChoice,
    tools: tuple[ToolDefinition, ...],
    parallel: bool,  # noqa: FBT001 - a case
) -> None:
    made = parsed(tools=[F, G], **fields)

    assert (made.tool_choice, made.tools, made.parallel_tool_calls) == (choice, tools, parallel)


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, ToolChoice.AUTO),
        ({"function_call": "none"}, ToolChoice.NONE),
        ({"function_call": {"name": "f"}}, ToolChoice.REQUIRED),
    ],
)
def test_the_deprecated_form_makes_one_call(fields: dict[str, Any], choice: ToolChoice) -> None:
    made = parsed(functions=[F["function"]], **fields)

    assert (made.tools, made.tool_choice, made.parallel_tool_calls) == ((DEFINED_F,), choice, False)


ONLY_WITH_TOOLS = (
    "Invalid value for 'tool_choice': 'tool_choice' is only allowed when tools are specified."
)
NO_CUSTOM = "Custom tools are not supported; offer a function with one string parameter instead."


@pytest.mark.parametrize(
    ("fields", "message_text", "param", "code"),
    [
        pytest.param(
            {"tool_choice": "required"}, ONLY_WITH_TOOLS, "tool_choice", None, id="required"
        ),
        pytest.param({"tool_choice": NAMED_F}, ONLY_WITH_TOOLS, "tool_choice", None, id="named"),
        pytest.param(
            {"tools": [G], "tool_choice": NAMED_F},
            "Invalid value for 'tool_choice': the tool 'f' is not in 'tools'.",
            "tool_choice",
            "invalid_value",
            id="another",
        ),
        pytest.param(
            {"functions": [F["function"]], "function_call": {"name": "g"}},
            "Invalid value for 'function_call': the tool 'g' is not in 'tools'.",
            "function_call",
            "invalid_value",
            id="another function",
        ),
        pytest.param(
            {"tools": [{"type": "custom", "custom": NOTHING}]},
            NO_CUSTOM,
            "tools[0].type",
            "unsupported_value",
            id="custom",
        ),
        pytest.param(
            {"tools": [F], "tool_choice": {"type": "custom", "custom": NOTHING}},
            NO_CUSTOM,
            "tool_choice.type",
            "unsupported_value",
            id="custom choice",
        ),
        pytest.param(
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": {"type": "array"}}}
                ]
            },
            "Invalid schema for function 'f': its type must be 'object'.",
            "tools[0].function.parameters",
            "invalid_function_parameters",
            id="parameters",
        ),
        pytest.param(
            {"tools": [F], "functions": [F["function"]]},
            "'functions' is the old form of 'tools'; give one of them.",
            "functions",
            "invalid_parameter_combination",
            id="both forms",
        ),
        pytest.param(
            {"stream_options": {}},
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
            None,
            id="stream_options",
        ),
        pytest.param(
            {"top_logprobs": 1},
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
            "top_logprobs",
            None,
            id="top_logprobs",
        ),
        pytest.param(
            {"max_tokens": 1, "max_completion_tokens": 2},
            "'max_tokens' and 'max_completion_tokens' differ; give one of them.",
            "max_tokens",
            "invalid_parameter_combination",
            id="two limits",
        ),
        pytest.param(
            {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
            "Missing required parameter: 'response_format.json_schema.schema'.",
            "response_format.json_schema.schema",
            "missing_required_parameter",
            id="no schema",
        ),
        pytest.param(
            {"logit_bias": {"5": 1}},
            "Unsupported parameter: 'logit_bias': the model server cannot bias single tokens.",
            "logit_bias",
            "unsupported_parameter",
            id="logit_bias",
        ),
        pytest.param(
            {"modalities": ["text", "audio"]},
            "Unsupported parameter: 'modalities': answers are text only.",
            "modalities",
            "unsupported_parameter",
            id="modalities",
        ),
        pytest.param(
            {"prediction": {"type": "content"}},
            "Unsupported parameter: 'prediction': the model server cannot use predicted output.",
            "prediction",
            "unsupported_parameter",
            id="prediction",
        ),
    ],
)
def test_what_does_not_go_together_or_at_all_is_refused(
    fields: dict[str, Any], message_text: str, param: str, code: str | None
) -> None:
    assert refused(**fields) == (message_text, code, param)


def test_the_description_of_a_schema_is_shown_with_it() -> None:
    form = {"name": "x", "schema": SCHEMA, "description": "A thing."}

    wanted = parsed(response_format={"type": "json_schema", "json_schema": form}).output

    assert isinstance(wanted, JSONSchemaFormat)
    assert wanted.schema == {"description": "A thing.", **SCHEMA}


def test_output_has_the_form_that_was_asked_for() -> None:
    form = {"name": "x", "schema": SCHEMA, "strict": True, "description": None}

    assert parsed(response_format={"type": "text"}) == LEAST
    assert parsed(response_format={"type": "json_object"}).output == JSONObjectFormat()
    wanted = parsed(response_format={"type": "json_schema", "json_schema": form}).output
    assert isinstance(wanted, JSONSchemaFormat)
    assert (wanted.name, wanted.schema, wanted.strict) == ("x", SCHEMA, True)


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({"reasoning_effort": "xhigh"}, ReasoningEffort.XHIGH),
        ({"think": True}, ReasoningEffort.ON),
        ({"think": False, "reasoning_effort": "high"}, ReasoningEffort.NONE),
        ({"think": "max"}, ReasoningEffort.MAX),
    ],
)
def test_thinking_goes_by_two_names(fields: dict[str, Any], effort: ReasoningEffort) -> None:
    assert parsed(**fields).reasoning is effort


def test_log_probabilities_have_a_count_of_alternatives() -> None:
    assert parsed(logprobs=True).top_logprobs == 0
    assert parsed(logprobs=True, top_logprobs=3).top_logprobs == 3
    assert parsed(logprobs=False).top_logprobs is None


def test_the_servers_own_parameters_may_stand_at_the_top() -> None:
    made = parsed(
        options={"num_ctx": 1, "top_k": 3, "mirostat_is_gone": 1},
        top_k=3,
        min_p=0.5,
        typical_p=0.25,
        repetition_penalty=1.5,
        keep_alive="5m",
        truncate=True,
        verbosity="low",
    )

    parameters = {"num_ctx": 1, "top_k": 3, "min_p": 0.5, "typical_p": 0.25, "repeat_penalty": 1.5}
    assert made.engine == EngineOptions(parameters, "5m", truncate=True)
    assert made.verbosity is Verbosity.LOW


def test_options_that_openai_has_fields_for_count_as_those() -> None:
    options = {
        "temperature": 0.5,
        "top_p": 0.25,
        "frequency_penalty": 1,
        "presence_penalty": 2,
        "seed": 3,
        "num_predict": 4,
        "stop": ["a", ""],
    }

    made = parsed(options=options, max_tokens=4)

    assert made.sampling == Sampling(0.5, 0.25, 1, 2, 3, 4, ("a",))
    assert made.engine == EngineOptions()


def test_an_option_below_zero_sets_no_limit() -> None:
    assert parsed(options={"num_predict": -1}).sampling.max_tokens is None


def test_other_options_leave_the_usual_temperature() -> None:
    assert parsed(options={"top_k": 3}).sampling == LEAST.sampling


def test_parameters_that_are_null_are_none() -> None:
    function = G["function"] | {"parameters": None}

    assert parsed(tools=[G | {"function": function}]).tools == (DEFINED_G,)


@pytest.mark.parametrize(
    ("fields", "param", "other"),
    [
        ({"max_tokens": 2, "options": {"num_predict": 9}}, "max_tokens", "options.num_predict"),
        ({"max_tokens": 2, "options": {"num_predict": -1}}, "max_tokens", "options.num_predict"),
        ({"temperature": 0, "options": {"temperature": 1}}, "temperature", "options.temperature"),
        ({"seed": 0, "options": {"seed": 1}}, "seed", "options.seed"),
        ({"stop": "a", "options": {"stop": ["b"]}}, "stop", "options.stop"),
        ({"top_k": 2, "options": {"top_k": 3}}, "top_k", "options.top_k"),
        (
            {"repeat_penalty": 1.5, "repetition_penalty": 2},
            "repetition_penalty",
            "repeat_penalty",
        ),
    ],
)
def test_a_parameter_with_two_values_is_refused(
    fields: dict[str, Any], param: str, other: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parsed(**fields)

    assert (caught.value.code, caught.value.param) == ("invalid_parameter_combination", param)
    assert caught.value.message == f"'{param}' and '{other}' differ; give one of them."


@pytest.mark.parametrize("stop", ["", [""], None])
def test_an_empty_stop_ends_nothing(stop: str | list[str] | None) -> None:
    assert parsed(stop=stop).sampling.stop == ()
