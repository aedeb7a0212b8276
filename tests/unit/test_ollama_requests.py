"""What Ollama is asked with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from adapters.ollama import requests
from adapters.ollama.requests import ContextWindows
from domain.chat import ChatRequest, EngineOptions
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest
from domain.messages import ImagePart, Message, Role, TextPart
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, ReasoningEffort, Sampling
from domain.tools import ToolCall, ToolChoice, ToolDefinition

HELLO = (Message(Role.USER, "Hello"),)
UNCUT = {"truncate": False, "shift": False}
ALWAYS: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hello"}],
    "stream": True,
    **UNCUT,
}
SAMPLING = Sampling(0.0, 0.5, 1.0, -1.0, seed=7, max_tokens=9, stop=("a", "b"))
ENGINE = EngineOptions({"top_k": 4, "seed": 8}, "5m", truncate=True)
# The server's own parameters are the last word.
SET = {
    "options": {
        "temperature": 0.0,
        "top_p": 0.5,
        "frequency_penalty": 1.0,
        "presence_penalty": -1.0,
        "seed": 8,
        "num_predict": 9,
        "stop": ["a", "b"],
        "top_k": 4,
    },
    "keep_alive": "5m",
    "truncate": True,
    "shift": True,
}
NONE = ContextWindows()


def body(windows: ContextWindows = NONE, **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(
        requests.chat(replace(ChatRequest("m", HELLO), **fields), windows)
    )
    return made


def set_by(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in body(**fields).items() if value != ALWAYS.get(name)}


def said(message: Message) -> dict[str, Any]:
    (only,) = body(messages=(message,))["messages"]
    made: dict[str, Any] = only
    return made


def test_a_bare_request_sets_nothing() -> None:
    assert body() == ALWAYS


def test_sampling_and_options_go_by_ollamas_names() -> None:
    assert set_by(sampling=SAMPLING, engine=ENGINE) == SET
    assert set_by(engine=EngineOptions(keep_alive=0)) == {"keep_alive": 0}


def test_tools_are_offered_unless_none_may_be_called() -> None:
    tools = (ToolDefinition("f", "Does.", {"type": "object"}), ToolDefinition("g", None, {}))
    parameters: dict[str, Any] = {"type": "object", "properties": {}}

    assert set_by(tools=tools) == {
        "tools": [
            {
                "type": "function",
                "function": {"name": name, "description": text, "parameters": parameters},
            }
            for name, text in (("f", "Does."), ("g", ""))
        ]
    }
    assert set_by(tools=tools, tool_choice=ToolChoice.NONE) == {}


def test_a_format_is_a_word_or_a_schema() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "null"}}}

    assert set_by(output=JSONObjectFormat()) == {"format": "json"}
    assert set_by(output=JSONSchemaFormat("x", schema)) == {
        "format": {"properties": {"a": {"type": "null"}}}
    }


@pytest.mark.parametrize(
    ("effort", "think"),
    [
        ("none", False),
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "medium"),
        ("high", "high"),
        ("xhigh", "max"),
        ("max", "max"),
        ("on", True),
    ],
)
def test_effort_goes_by_ollamas_words(effort: str, think: bool | str) -> None:  # noqa: FBT001 - a case
    assert set_by(reasoning=ReasoningEffort(effort)) == {"think": think}


def test_log_probabilities_are_asked_for() -> None:
    assert set_by(top_logprobs=0) == {"logprobs": True}
    assert set_by(top_logprobs=3) == {"logprobs": True, "top_logprobs": 3}


def test_turns_go_as_ollama_has_them() -> None:
    call = ToolCall("call_1", "f", '{"a":1}')
    seen = (TextPart("Which"), ImagePart("image/gif", "R0lG"), TextPart("is it?"))

    assert said(Message(Role.USER, seen)) == {
        "role": "user",
        "content": "Which\nis it?",
        "images": ["R0lG"],
    }
    assert said(Message(Role.ASSISTANT, "So.", (call,), reasoning="Hm.")) == {
        "role": "assistant",
        "content": "So.",
        "thinking": "Hm.",
        "tool_calls": [{"id": "call_1", "function": {"name": "f", "arguments": {"a": 1}}}],
    }
    assert said(Message(Role.TOOL, "18", tool_call_id="call_1", tool_name="f")) == {
        "role": "tool",
        "content": "18",
        "tool_call_id": "call_1",
        "tool_name": "f",
    }


def test_a_call_without_arguments_has_an_empty_object() -> None:
    (call,) = said(Message(Role.ASSISTANT, tool_calls=(ToolCall("call_1", "f", ""),)))["tool_calls"]

    assert call["function"]["arguments"] == {}


def test_a_completion_goes_past_the_template_unless_it_has_a_suffix() -> None:
    bare = {"model": "m", "prompt": "x", "stream": True}

    def asked(**fields: Any) -> Any:
        return json.loads(requests.generate(CompletionRequest("m", "x", **fields), NONE))

    assert asked() == bare | UNCUT | {"raw": True}
    assert asked(suffix="") == bare | UNCUT | {"suffix": ""}
    assert asked(sampling=SAMPLING, engine=ENGINE) == bare | SET | {"raw": True}
    assert asked(top_logprobs=0) == bare | UNCUT | {"raw": True, "logprobs": True}
    assert asked(top_logprobs=3) == bare | UNCUT | {
        "raw": True,
        "logprobs": True,
        "top_logprobs": 3,
    }


def test_vectors_are_asked_for_in_one_request() -> None:
    bare = {"model": "m", "input": ["a", "b"], "truncate": False}

    def asked(windows: ContextWindows = NONE, **fields: Any) -> Any:
        return json.loads(requests.embed(EmbedRequest("m", ("a", "b"), **fields), windows))

    assert asked() == bare
    assert asked(dimensions=4, engine=EngineOptions({"top_k": 4}, "5m", truncate=True)) == {
        **bare,
        "dimensions": 4,
        "truncate": True,
        "options": {"top_k": 4},
        "keep_alive": "5m",
    }
    assert asked(ContextWindows(4096)) == bare | {"options": {"num_ctx": 4096}}


def test_the_context_is_the_requests_own_or_the_models_or_the_usual() -> None:
    windows = ContextWindows(1, {"m": 2, "tagged:latest": 3})
    own = EngineOptions({"num_ctx": 4})

    assert [
        body(windows, **fields)["options"]["num_ctx"]
        for fields in (
            {"model": "other"},
            {},
            {"model": "m:latest"},
            {"model": "tagged"},
            {"engine": own},
        )
    ] == [1, 2, 2, 3, 4]
