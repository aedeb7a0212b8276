"""The backend without a model, through the API."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import done_line, failed, streamed, text_line, tool_line
from tests.support.raw_http import hang_up, send
from tests.support.service import Service, service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}},
            "required": ["city"],
        },
    },
}
RESULT = [
    {"role": "user", "content": "The weather?"},
    {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "call_9",
                "type": "function",
                "function": {"name": "get_weather", "arguments": "{}"},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call_9", "content": "25 degrees"},
]


def scripted(**settings: Any) -> AbstractAsyncContextManager[Service]:
    return service_of("", llm_backend="scripted", default_model="scripted-echo", **settings)


@pytest.fixture
async def builtin() -> AsyncGenerator[Service]:
    async with scripted() as service:
        yield service


def user(text: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **more}


async def message(service: Service, body: dict[str, Any]) -> Any:
    answer = await service.ask(body)
    assert answer.status == 200, answer.body
    return answer.json["choices"][0]["message"]


async def test_an_echo_is_the_same_whole_streamed_and_each_time(builtin: Service) -> None:
    body = user("One  two\nthree.")
    whole, again = [await builtin.ask(body) for _ in range(2)]
    stream = await builtin.ask({**body, "stream": True})
    records = [json.loads(line[6:]) for line in stream.body.splitlines() if line[:7] == b"data: {"]

    assert whole.json["choices"] == again.json["choices"]
    assert whole.json["choices"][0]["message"]["content"] == "One  two\nthree."
    assert whole.json["usage"]["total_tokens"] == 6
    pieces = [record["choices"][0]["delta"].get("content") for record in records]
    assert pieces == ["", "One", "  two", "\nthree.", None]


@pytest.mark.parametrize(
    ("fields", "content", "reason"),
    [
        pytest.param({"max_tokens": 2}, "a b", "length", id="max_tokens"),
        pytest.param({"stop": [" c", " b"]}, "a", "stop", id="stop"),
        pytest.param({"temperature": 2, "seed": 7}, "a b c d", "stop", id="nothing to draw"),
    ],
)
async def test_limits_hold(
    builtin: Service, fields: dict[str, Any], content: str, reason: str
) -> None:
    choice = (await builtin.ask(user("a b c d", **fields))).json["choices"][0]

    assert (choice["message"]["content"], choice["finish_reason"]) == (content, reason)


async def test_every_token_has_a_likelihood_where_that_is_asked(builtin: Service) -> None:
    body = user("a b", logprobs=True, top_logprobs=2)
    entries = (await builtin.ask(body)).json["choices"][0]["logprobs"]["content"]

    assert [(it["token"], it["logprob"], len(it["top_logprobs"])) for it in entries] == [
        ("a", -0.5, 1),
        (" b", -0.5, 1),
    ]


async def test_a_thinker_thinks_unless_told_not_to(builtin: Service) -> None:
    thought = await message(builtin, user("Hi", model="scripted-think"))
    plain = await message(builtin, user("Hi", model="scripted-think", reasoning_effort="none"))

    assert (thought["reasoning_content"], thought["content"]) == ("Let me think about that.", "Hi")
    assert "reasoning_content" not in plain


@pytest.mark.parametrize("choice", ["auto", "required"])
async def test_tools_are_called_and_their_results_said(builtin: Service, choice: str) -> None:
    body = user("Rome", model="scripted-tools", tools=[TOOL], tool_choice=choice)
    called = await message(builtin, body)
    said = await message(builtin, {"messages": RESULT, "model": "scripted-tools", "tools": [TOOL]})

    (call,) = called["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "Rome", "days": 2}
    assert said["content"] == "25 degrees"


async def test_an_answer_keeps_to_a_strict_schema(builtin: Service) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "tags": {"type": "array", "minItems": 2}},
        "required": ["name", "tags"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}

    said = await message(builtin, user("Ann", response_format=form))

    assert json.loads(said["content"]) == {"name": "Ann", "tags": ["Ann", "Ann"]}


DIGITS = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^[0-9]+$"}}}


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": DIGITS, "strict": True},
                }
            },
            id="answer",
        ),
        *(
            pytest.param(
                {
                    "model": model,
                    "tool_choice": choice,
                    "tools": [
                        {
                            "type": "function",
                            "function": {"name": "f", "parameters": DIGITS, "strict": True},
                        }
                    ],
                },
                id=f"{model} {choice}",
            )
            for model, choice in (("scripted-tools", "auto"), ("scripted-echo", "required"))
        ),
    ],
)
async def test_a_strict_schema_that_no_value_was_found_for(
    builtin: Service, more: dict[str, Any]
) -> None:
    answer = await builtin.ask(user("Hi", **more))
    fitting = await builtin.ask(user("12", **more))

    assert (answer.status, answer.json["error"]["code"]) == (400, "script_no_value")
    assert fitting.status == 200


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 502, 503, 504])
async def test_a_status_is_a_model(builtin: Service, status: int) -> None:
    answer = await builtin.ask(user("Hi", model=f"scripted-error-{status}"))

    assert (answer.status, answer.json["error"]["message"][:18]) == (status, "A scripted failure")


async def test_a_failure_midway_comes_after_what_was_said(builtin: Service) -> None:
    body = user("a b c", model="scripted-error-midway", stream=True)
    answer = await builtin.ask(body)

    assert answer.status == 200
    assert answer.body.count(b'"content":') == 3
    assert b'"code":"upstream_truncated"' in answer.body
    assert b"[DONE]" not in answer.body


async def test_a_silent_model_is_left_alone_by_a_client_that_leaves(builtin: Service) -> None:
    _, writer = await send(
        builtin.port, "/v1/chat/completions", user("Hi", model="scripted-silent")
    )
    await hang_up(writer)

    assert (await message(builtin, user("Still there?")))["content"] == "Still there?"


async def test_texts_that_share_words_are_near_each_other(builtin: Service) -> None:
    texts = ["the cat sat", "the cat ran", "stock prices fell", "the cat sat"]
    body = {"model": "scripted-embed", "input": texts}
    answer = await builtin.ask(body, "/v1/embeddings")
    short = await builtin.ask({**body, "dimensions": 8}, "/v1/embeddings")

    one, near, far, same = (entry["embedding"] for entry in answer.json["data"])
    product = [sum(a * b for a, b in zip(one, it, strict=True)) for it in (same, near, far)]
    assert product[0] == pytest.approx(1)
    assert 0.9 > product[1] > product[2] + 0.2
    assert {len(entry["embedding"]) for entry in short.json["data"]} == {8}


async def script_file(folder: Path, *rules: dict[str, Any], **more: Any) -> str:
    path = folder / "script.json"
    path.write_text(json.dumps({"rules": rules, **more}), encoding="utf-8")
    return str(path)


async def test_the_first_rule_that_fits_answers(tmp_path: Path) -> None:
    path = await script_file(
        tmp_path,
        {"when": {"model": "a", "user": "Hi"}, "text": "exact"},
        {"when": {"user": {"contains": "sum", "regex": r"\d+$"}}, "text": "both"},
        {"when": {"model": "b"}, "text": "model"},
        models=["a"],
    )
    asked = [("a", "Hi"), ("a", "sum 1"), ("b:latest", "x"), ("scripted-echo", "y")]
    async with scripted(script_file=path) as service:
        said = [
            (await message(service, user(text, model=model)))["content"] for model, text in asked
        ]
        unfit = await service.ask(user("sum", model="a"))
        unknown = await service.ask(user("Hi", model="c"))
        listed = (await service.ask(path="/v1/models")).json["data"]

    assert said == ["exact", "both", "model", "y"]
    assert (unfit.status, unfit.json["error"]["code"]) == (400, "script_no_rule")
    assert (unknown.status, unknown.json["error"]["code"]) == (404, "model_not_found")
    assert [model["id"] for model in listed[:3]] == ["a", "b", "scripted-echo"]


async def test_a_rule_may_answer_so_many_times(tmp_path: Path) -> None:
    path = await script_file(
        tmp_path,
        {"times": 2, "error": {"kind": "overloaded", "message": "Busy.", "code": "x"}},
        {"text": "At last."},
        models=["m"],
    )
    async with scripted(script_file=path) as service:
        answers = [await service.ask(user("Hi", model="m")) for _ in range(4)]

    assert [answer.status for answer in answers] == [429, 429, 200, 200]
    assert answers[0].json["error"]["message"] == "Busy."


@pytest.mark.parametrize("choice", ["auto", "required"])
async def test_a_rule_calls_tools_that_are_offered_and_no_others(
    tmp_path: Path, choice: str
) -> None:
    call = {"name": "get_weather", "arguments": {"city": "Rome"}}
    path = await script_file(
        tmp_path,
        {"when": {"user": {"contains": "weather"}}, "tool_calls": [call]},
        {"when": {"tool_result": {"contains": "25"}}, "text": "Warm."},
        models=["m"],
    )
    async with scripted(script_file=path) as service:
        body = user("The weather?", model="m", tools=[TOOL], tool_choice=choice)
        called = await message(service, body)
        said = await message(service, {"messages": RESULT, "model": "m", "tools": [TOOL]})
        bare = await service.ask(user("The weather?", model="m"))

    assert json.loads(called["tool_calls"][0]["function"]["arguments"]) == {"city": "Rome"}
    assert said["content"] == "Warm."
    assert (bare.status, bare.json["error"]["code"]) == (400, "script_tool_not_offered")


async def test_a_rule_tells_reasons_and_tokens_and_when_it_fails(tmp_path: Path) -> None:
    told = {"prompt_tokens": 5, "completion_tokens": 9, "cached_tokens": 2}
    path = await script_file(
        tmp_path,
        {"when": {"user": "1"}, "text": "a b", "finish_reason": "length", "usage": told},
        {"when": {"user": "2"}, "text": "a b c", "error": {"kind": "timeout", "after_tokens": 1}},
        models=["m"],
    )
    async with scripted(script_file=path) as service:
        whole = (await service.ask(user("1", model="m"))).json
        cut = await service.ask(user("2", model="m", stream=True))
        late = await service.ask(user("2", model="m"))
        bare = await service.ask({"model": "m", "prompt": "1"}, "/v1/completions")

    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["total_tokens"] == 14
    assert whole["usage"]["prompt_tokens_details"]["cached_tokens"] == 2
    assert cut.body.count(b'"content":') == 2
    assert b'"code":"upstream_timeout"' in cut.body
    assert late.status == 504
    assert bare.json["choices"][0]["text"] == "a b"


async def test_delays_are_as_written(tmp_path: Path) -> None:
    rule = {"text": "a b", "first_token_s": 3600}
    path = await script_file(tmp_path, rule, models=["m"])
    async with scripted(script_file=path, first_token_timeout_s=0.05) as service:
        answer = await service.ask(user("Hi", model="m"))

    assert (answer.status, answer.json["error"]["code"]) == (504, "first_token_timeout")


async def test_what_was_recorded_is_replayed_to_the_byte(tmp_path: Path) -> None:
    record = str(tmp_path / "answers.jsonl")
    embed = {"model": "embedder", "input": ["a", "b"]}
    tool = user("Rome?", model="tools-model", tools=[TOOL])
    twice, fails = user("Twice?"), user("Fail?")
    async with FakeOllama() as ollama:
        for said in ("first", "second"):
            # Two pieces in one read.
            ollama.script("/api/chat", streamed(text_line(said) + text_line(" time"), done_line()))
        called = tool_line(("get_weather", {"city": "Rome"}))
        ollama.script("/api/chat", streamed(called, done_line()))
        ollama.script("/api/chat", failed(500, "unable to load model: x"))
        async with service_of(ollama.url, record_file=record) as service:
            before = [await service.ask(body) for body in (twice, twice, tool, fails)]
            before.append(await service.ask(embed, "/v1/embeddings"))
            stream = await service.ask(twice | {"stream": True})
    # Prompts are nobody else's.
    assert not (tmp_path / "answers.jsonl").stat().st_mode & 0o077
    async with service_of("", llm_backend="scripted", record_file=record) as service:
        after = [await service.ask(body) for body in (twice, twice, tool, fails)]
        after.append(await service.ask(embed, "/v1/embeddings"))
        again = await service.ask(twice | {"stream": True})
        unknown = await service.ask(user("Never asked."))

    assert [answer.status for answer in before] == [200, 200, 200, before[3].status, 200]
    assert before[3].status >= 500
    for one, other in zip(before, after, strict=True):
        assert (one.status, one.json.get("choices")) == (other.status, other.json.get("choices"))
        assert (one.json.get("error"), one.json.get("data"), one.json.get("usage")) == (
            other.json.get("error"),
            other.json.get("data"),
            other.json.get("usage"),
        )
    assert again.body.count(b"data: ") == stream.body.count(b"data: ")
    told = unknown.json["error"]
    assert (unknown.status, told["code"]) == (400, "not_recorded")
    assert told["message"].startswith("This request was not recorded; its digest is ")


async def test_an_answer_that_was_left_is_not_recorded(tmp_path: Path) -> None:
    record = tmp_path / "answers.jsonl"
    async with FakeOllama() as ollama, service_of(ollama.url, record_file=str(record)) as service:
        held = asyncio.Event()
        ollama.script("/api/chat", streamed(text_line("x"), held, done_line()))
        reader, writer = await send(
            service.port, "/v1/chat/completions", user("Left?", stream=True)
        )
        await reader.readuntil(b'"x"')
        await hang_up(writer)
        await ollama.idle()
        await service.ask(user("Kept?"))

    lines = record.read_text(encoding="utf-8").splitlines()
    assert ["Kept?" in line for line in lines] == [True]
