"""What the embedded engine is asked with."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from adapters.llamacpp import preset, requests
from adapters.llamacpp.marks import Marks
from domain.chat import ChatRequest, EngineOptions
from domain.completion import CompletionRequest
from domain.errors import InvalidRequestError
from domain.messages import ImagePart, Message, Role, TextPart
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, OutputFormat, Sampling
from domain.tools import ToolCall, ToolChoice, ToolDefinition

HELLO = (Message(Role.USER, "Hello"),)

ALWAYS: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Hello"}],
    "stream": True,
    "stream_options": {"include_usage": True},
    "return_progress": True,
}

WEATHER = ToolDefinition("weather", None, {"type": "object"})


def with_parameters(**parameters: object) -> ChatRequest:
    return ChatRequest("m", HELLO, engine=EngineOptions(parameters))


def test_a_bare_request_sets_nothing() -> None:
    assert requests.body(ChatRequest("m", HELLO)) == ALWAYS


def test_the_bytes_are_the_body_in_json() -> None:
    request = ChatRequest("m", HELLO)

    assert msgspec.json.decode(requests.encode(request)) == requests.body(request)


def test_sampling_goes_by_its_own_names() -> None:
    sampling = Sampling(
        temperature=0.0,
        top_p=0.5,
        frequency_penalty=1.0,
        presence_penalty=-1.0,
        seed=7,
        max_tokens=9,
        stop=("a", "b"),
    )

    assert requests.body(ChatRequest("m", HELLO, sampling)) == ALWAYS | {
        "temperature": 0.0,
        "top_p": 0.5,
        "frequency_penalty": 1.0,
        "presence_penalty": -1.0,
        "seed": 7,
        "max_tokens": 9,
        "stop": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        pytest.param(-1, 2**32 - 2, id="negative"),
        pytest.param(2**32 - 1, 0, id="the engine's word for chance"),
        pytest.param(2**63, 2**63 % (2**32 - 1), id="64 bits"),
    ],
)
def test_any_seed_is_one_that_the_engine_takes(asked: int, sent: int) -> None:
    body = requests.body(ChatRequest("m", HELLO, Sampling(seed=asked)))

    assert body["seed"] == sent
    assert requests.body(with_parameters(seed=asked))["seed"] == sent


def test_a_conversation_with_tools_keeps_calls_and_results() -> None:
    messages = (
        Message(Role.SYSTEM, "Be brief."),
        Message(Role.USER, (TextPart("Weather?"), TextPart("In Rome."))),
        Message(
            Role.ASSISTANT,
            tool_calls=(ToolCall("call_1", "weather", '{"city":"Rome"}'),),
            reasoning="Look it up.",
        ),
        Message(Role.TOOL, "sunny", tool_call_id="call_1", tool_name="weather"),
    )

    assert requests.body(ChatRequest("m", messages))["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?\nIn Rome."},
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "Look it up.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
                }
            ],
        },
        {"role": "tool", "content": "sunny", "tool_call_id": "call_1", "name": "weather"},
    ]


def test_tools_are_sent_with_their_choice() -> None:
    request = ChatRequest(
        "m", HELLO, tools=(WEATHER,), tool_choice=ToolChoice.REQUIRED, parallel_tool_calls=False
    )

    assert requests.body(request) == ALWAYS | {
        "tools": [
            {
                "type": "function",
                "function": {"name": "weather", "parameters": {"type": "object"}},
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    }


def test_tools_that_must_not_be_called_are_not_sent() -> None:
    request = ChatRequest("m", HELLO, tools=(WEATHER,), tool_choice=ToolChoice.NONE)

    assert requests.body(request) == ALWAYS


@pytest.mark.parametrize(
    ("output", "sent"),
    [
        pytest.param(JSONObjectFormat(), {"type": "json_object"}, id="object"),
        pytest.param(
            JSONSchemaFormat("answer", {"type": "integer"}, strict=True),
            {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "integer"}},
            },
            id="schema",
        ),
    ],
)
def test_the_output_format_is_sent(output: OutputFormat, sent: dict[str, Any]) -> None:
    body = requests.body(ChatRequest("m", HELLO, output=output))

    assert body["response_format"] == sent


@pytest.mark.parametrize(
    ("asked", "sent"),
    [pytest.param(0, 1, id="none"), pytest.param(1, 1, id="one"), pytest.param(5, 5, id="five")],
)
def test_log_probabilities_are_asked_for_with_one_alternative_at_least(
    asked: int, sent: int
) -> None:
    body = requests.body(ChatRequest("m", HELLO, top_logprobs=asked))

    assert body == ALWAYS | {"logprobs": True, "top_logprobs": sent}


def test_parameters_go_by_the_engines_names() -> None:
    request = with_parameters(
        top_k=40, min_p=0.1, repeat_penalty=1, typical_p=0.9, num_predict=5, num_keep=4, stop=["x"]
    )

    assert requests.body(request) == ALWAYS | {
        "top_k": 40,
        "min_p": 0.1,
        "repeat_penalty": 1.0,
        "typical_p": 0.9,
        "max_tokens": 5,
        "n_keep": 4,
        "stop": ["x"],
    }


def test_parameters_win_over_sampling() -> None:
    request = ChatRequest(
        "m", HELLO, Sampling(temperature=1.0), engine=EngineOptions({"temperature": 0.2})
    )

    assert requests.body(request)["temperature"] == 0.2


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("num_ctx", 4096, "unsupported_parameter", id="context"),
        pytest.param("num_gpu", 1, "unsupported_parameter", id="loading"),
        pytest.param("wibble", 1, "unsupported_parameter", id="unknown"),
        pytest.param("top_k", "many", "invalid_type", id="text for a number"),
        pytest.param("top_k", 2.5, "invalid_type", id="fraction"),
        pytest.param("top_p", True, "invalid_type", id="truth value"),
        pytest.param("min_p", None, "invalid_type", id="null"),
        pytest.param("stop", "x", "invalid_type", id="text for a list"),
        pytest.param("stop", [1], "invalid_type", id="list of numbers"),
    ],
)
def test_a_parameter_that_would_be_passed_over_is_refused(
    name: str, value: object, code: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        requests.body(with_parameters(**{name: value}))

    assert caught.value.param == f"options.{name}"
    assert caught.value.code == code


def test_an_image_is_refused_at_its_place() -> None:
    look = Message(Role.USER, (TextPart("Look"), ImagePart("image/png", "AAAA")))

    with pytest.raises(InvalidRequestError) as caught:
        requests.body(ChatRequest("m", (*HELLO, look)))

    assert caught.value.code == "unsupported_content"
    assert caught.value.param == "messages[1].content"


def test_cutting_the_prompt_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        requests.body(ChatRequest("m", HELLO, engine=EngineOptions(truncate=True)))

    assert caught.value.param == "truncate"


def test_the_preset_fills_what_the_client_left_open() -> None:
    applied = preset.apply(ChatRequest("m", HELLO))

    assert applied.messages == HELLO
    assert applied.engine.parameters == {"repeat_penalty": 1.1}
    assert applied.sampling.max_tokens == 1024


def test_the_preset_leaves_what_the_client_set() -> None:
    pirate = Message(Role.SYSTEM, "Talk like a pirate.")
    request = ChatRequest(
        "m",
        (pirate, *HELLO),
        sampling=Sampling(max_tokens=5),
        engine=EngineOptions({"repeat_penalty": 1.3, "top_k": 1}),
    )

    assert preset.apply(request) == request


def test_a_suffix_stands_before_the_place_of_the_answer() -> None:
    asked = CompletionRequest("m", "def f(", "return 1")

    body = msgspec.json.decode(requests.completion(asked, Marks(1, 2, 3)))

    assert body["prompt"] == ["", 1, "def f(", 2, "return 1", 3]
