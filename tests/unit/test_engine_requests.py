"""What engines are asked with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from adapters.openai_upstream import requests
from domain.chat import ChatRequest, EngineOptions
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest
from domain.errors import InvalidRequestError
from domain.messages import ImagePart, Message, Role, TextPart
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, ReasoningEffort, Sampling
from domain.tools import ToolCall, ToolChoice, ToolDefinition

HELLO = (Message(Role.USER, "Hello"),)
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
ALWAYS: dict[str, Any] = {
    "model": "Engine/M",
    "messages": [{"role": "user", "content": "Hello"}],
    **STREAMED,
}


def body(**fields: Any) -> dict[str, Any]:
    asked = replace(ChatRequest("m", HELLO), **fields)
    made: dict[str, Any] = json.loads(requests.chat(asked, "Engine/M"))
    return made


def set_by(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in body(**fields).items() if name not in ALWAYS}


def test_a_bare_request_sets_nothing() -> None:
    assert body() == ALWAYS


def test_sampling_and_options_go_by_the_engines_names() -> None:
    sampling = Sampling(0.0, 0.5, 1.0, -1.0, seed=7, max_tokens=9, stop=("a", "b"))
    options = EngineOptions({"top_k": 4, "min_p": 0.1, "repeat_penalty": 1.1, "num_predict": 5})

    assert set_by(sampling=sampling, engine=options) == {
        "temperature": 0.0,
        "top_p": 0.5,
        "frequency_penalty": 1.0,
        "presence_penalty": -1.0,
        "seed": 7,
        "max_tokens": 5,
        "stop": ["a", "b"],
        "top_k": 4,
        "min_p": 0.1,
        "repetition_penalty": 1.1,
        "repeat_penalty": 1.1,
    }


@pytest.mark.parametrize(
    ("engine", "param", "code"),
    [
        (EngineOptions({"num_ctx": 4096}), "options.num_ctx", "unsupported_parameter"),
        (EngineOptions({"mirostat": 1}), "options.mirostat", "unsupported_parameter"),
        (EngineOptions({"top_k": "x"}), "options.top_k", "invalid_type"),
        (EngineOptions(keep_alive="5m"), "keep_alive", "unsupported_parameter"),
        (EngineOptions(truncate=True), "truncate", "unsupported_parameter"),
    ],
)
def test_what_openais_api_cannot_say_is_refused(
    engine: EngineOptions, param: str, code: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        body(engine=engine)

    assert (caught.value.param, caught.value.code) == (param, code)


def test_tools_and_formats_are_openais_own() -> None:
    tool = ToolDefinition("weather", None, {"type": "object"})
    schema = {"type": "object"}

    assert set_by(tools=(tool,), parallel_tool_calls=False) == {
        "tools": [
            {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
        ],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
    }
    assert set_by(tools=(tool,), tool_choice=ToolChoice.NONE) == {}
    assert set_by(output=JSONObjectFormat()) == {"response_format": {"type": "json_object"}}
    assert set_by(output=JSONSchemaFormat("x", schema, strict=True)) == {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    }


@pytest.mark.parametrize(("effort", "word"), [("none", "none"), ("high", "high"), ("on", "medium")])
def test_effort_goes_by_openais_words(effort: str, word: str) -> None:
    assert set_by(reasoning=ReasoningEffort(effort)) == {"reasoning_effort": word}


@pytest.mark.parametrize(("top", "asked"), [(0, 1), (3, 3)])
def test_log_probabilities_are_asked_for(top: int, asked: int) -> None:
    completion = CompletionRequest("m", "x", top_logprobs=top)

    assert set_by(top_logprobs=top) == {"logprobs": True, "top_logprobs": asked}
    assert json.loads(requests.completion(completion, "M"))["logprobs"] == asked


def test_a_history_keeps_calls_images_and_thoughts() -> None:
    call = ToolCall("call_1", "weather", '{"city": "Rome"}')
    image = ImagePart("image/png", "AAAA")
    history = (
        Message(Role.USER, (TextPart("Look:"), image, TextPart("What is it?"))),
        Message(Role.USER, (TextPart("a"), TextPart("b"))),
        Message(Role.ASSISTANT, "", (call,), reasoning="Hm."),
        Message(Role.TOOL, "sunny", tool_call_id="call_1", tool_name="weather"),
    )

    assert body(messages=history)["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "text", "text": "What is it?"},
            ],
        },
        {"role": "user", "content": "a\nb"},
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "Hm.",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
                }
            ],
        },
        {"role": "tool", "content": "sunny", "tool_call_id": "call_1"},
    ]


def test_a_completion_has_its_prompt_and_suffix() -> None:
    asked = CompletionRequest("m", "Once", sampling=Sampling(max_tokens=3))

    assert json.loads(requests.completion(asked, "M")) == {
        "model": "M",
        "prompt": "Once",
        "max_tokens": 3,
        **STREAMED,
    }
    led = json.loads(requests.completion(CompletionRequest("m", "Once", suffix="end"), "M"))
    assert (led["prompt"], led["suffix"]) == ("Once", "end")


def test_vectors_are_asked_for_whole() -> None:
    asked = EmbedRequest("m", ("a", "b"), dimensions=2)
    options = EmbedRequest("m", ("a",), engine=EngineOptions({"top_k": 1}))

    assert json.loads(requests.embedding(asked, "M")) == {
        "model": "M",
        "input": ["a", "b"],
        "encoding_format": "base64",
    }
    with pytest.raises(InvalidRequestError):
        requests.embedding(options, "M")
