"""A thin slice of everything, on a real Ollama at OLLAMA_URL.

``ollama pull smollm2:135m`` is enough for all but the tests of tools and thinking, whose models
are named by OLLAMA_TEST_TOOLS_MODEL and OLLAMA_TEST_THINKING_MODEL and skipped where missing.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from tests.support import raw_http
from tests.support.service import CHAT, Answer, service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.service import Service

pytestmark = pytest.mark.integration

URL = os.environ.get("OLLAMA_URL", "http://127.0.0.1:11434")
MODEL = os.environ.get("OLLAMA_TEST_MODEL", "smollm2:135m")
TOOLS_MODEL = os.environ.get("OLLAMA_TEST_TOOLS_MODEL", "smollm2-tools:135m")
THINKING_MODEL = os.environ.get("OLLAMA_TEST_THINKING_MODEL", "smollm2-think:135m")
LIMIT_S = 300
FEW = 24

PERSON = {
    "type": "object",
    "properties": {"name": {"$ref": "#/$defs/Name"}, "born": {"type": "integer"}},
    "required": ["name", "born"],
    "additionalProperties": False,
    "$defs": {"Name": {"type": "string", "maxLength": 20}},
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 20}},
            "required": ["city"],
        },
    },
}


@pytest.fixture
async def real() -> AsyncGenerator[Service]:
    async with service_of(URL, default_model=MODEL, default_temperature=0.0) as running:
        yield running


def asking(text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": text}]
    return {"messages": messages, "max_completion_tokens": FEW, "seed": 1, **fields}


async def ask(service: Service, body: dict[str, Any]) -> Answer:
    async with asyncio.timeout(LIMIT_S):
        return await service.ask(body)


def chunks(answer: Answer) -> list[Any]:
    records = answer.body.decode().split("\n\n")
    assert records[-2:] == ["data: [DONE]", ""]
    return [json.loads(each.removeprefix("data: ")) for each in records[:-2]]


async def needs(service: Service, model: str) -> None:
    answer = await ask(service, asking(model=model, max_completion_tokens=1))
    if answer.status == 404:
        pytest.skip(f"{model} is not installed")


async def test_it_is_ready(real: Service) -> None:
    assert (await real.ask(path="/readyz")).status == 200


async def test_a_whole_answer(real: Service) -> None:
    answer = await ask(real, asking())

    assert answer.status == 200
    (choice,) = answer.json["choices"]
    usage = answer.json["usage"]
    assert answer.json["model"] == MODEL
    assert choice["message"]["content"]
    assert choice["finish_reason"] in {"stop", "length"}
    assert usage["prompt_tokens"] > 0
    assert 0 < usage["completion_tokens"] <= FEW
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


async def test_a_stream_says_what_a_whole_answer_says(real: Service) -> None:
    whole = await ask(real, asking())
    streamed = await ask(real, asking(stream=True, stream_options={"include_usage": True}))

    *told, last = chunks(streamed)
    choices = [chunk["choices"][0] for chunk in told]
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    assert text == whole.json["choices"][0]["message"]["content"]
    assert choices[-1]["finish_reason"] == whole.json["choices"][0]["finish_reason"]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == whole.json["usage"]["completion_tokens"]


async def test_three_choices_differ_by_their_seeds(real: Service) -> None:
    answer = await ask(real, asking("Tell a story.", n=3, temperature=1.5))

    assert [choice["index"] for choice in answer.json["choices"]] == [0, 1, 2]
    assert len({choice["message"]["content"] for choice in answer.json["choices"]}) > 1


async def test_a_stop_text_ends_the_answer_and_is_left_out(real: Service) -> None:
    whole = (await ask(real, asking())).json["choices"][0]["message"]["content"]
    word = whole.split()[1]
    answer = await ask(real, asking(stop=word))

    (choice,) = answer.json["choices"]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == whole.partition(word)[0]


async def test_log_probabilities(real: Service) -> None:
    answer = await ask(real, asking(logprobs=True, top_logprobs=2))

    content = answer.json["choices"][0]["logprobs"]["content"]
    assert "".join(entry["token"] for entry in content).strip()
    assert all(entry["logprob"] <= 0 and len(entry["top_logprobs"]) == 2 for entry in content)


@pytest.mark.parametrize("strict", [False, True])
async def test_an_answer_satisfies_its_schema(real: Service, strict: bool) -> None:  # noqa: FBT001 - a case
    form = {"type": "json_schema", "json_schema": {"name": "p", "schema": PERSON, "strict": strict}}
    body = asking("Ada Lovelace, born in 1815.", response_format=form, max_completion_tokens=200)

    answer = await ask(real, body)

    assert answer.status == 200
    (choice,) = answer.json["choices"]
    assert choice["finish_reason"] == "stop"
    assert jsonschema_rs.is_valid(PERSON, json.loads(choice["message"]["content"]))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_required_call_is_made(real: Service, stream: bool) -> None:  # noqa: FBT001 - a case
    await needs(real, TOOLS_MODEL)
    body = asking(
        "What is the weather in Rome?",
        model=TOOLS_MODEL,
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        max_completion_tokens=200,
    )

    answer = await ask(real, body | {"stream": stream})

    assert answer.status == 200
    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in chunks(answer)]
        pieces = [call for delta in deltas for call in delta.get("tool_calls", [])]
        assert {piece["index"] for piece in pieces} == {0}
        name = pieces[0]["function"]["name"]
        arguments = "".join(piece["function"]["arguments"] for piece in pieces)
    else:
        (call,) = answer.json["choices"][0]["message"]["tool_calls"]
        name, arguments = call["function"]["name"], call["function"]["arguments"]
    assert name == "get_weather"
    assert list(json.loads(arguments)) == ["city"]


async def test_a_conversation_with_calls_and_results_is_taken(real: Service) -> None:
    await needs(real, TOOLS_MODEL)
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
    }
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "What is the weather in Rome?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    body = {"model": TOOLS_MODEL, "messages": messages, "tools": [WEATHER], "max_tokens": FEW}

    answer = await ask(real, body)

    assert answer.status == 200


async def test_a_model_without_tools_says_so(real: Service) -> None:
    answer = await ask(real, asking(tools=[WEATHER]))

    assert answer.status == 400
    assert answer.json["error"]["param"] == "tools"


@pytest.mark.parametrize("effort", ["none", "minimal"])
async def test_a_model_that_does_not_think_takes_the_least_of_thought(
    real: Service, effort: str
) -> None:
    assert (await ask(real, asking(reasoning_effort=effort))).status == 200


async def test_thinking_is_kept_apart(real: Service) -> None:
    await needs(real, THINKING_MODEL)
    answer = await ask(real, asking(model=THINKING_MODEL, think=True))

    assert answer.status == 200
    message = answer.json["choices"][0]["message"]
    assert "<think>" not in (message["content"] or "")


async def test_an_unknown_model(real: Service) -> None:
    answer = await ask(real, asking(model="no-such-model:7b"))

    assert (answer.status, answer.json) == (
        404,
        {
            "error": {
                "message": "The model 'no-such-model:7b' is not installed. "
                "Run `ollama pull no-such-model:7b` to install it, "
                "or choose one in the list of models.",
                "type": "invalid_request_error",
                "param": "model",
                "code": "model_not_found",
            }
        },
    )


async def test_a_prompt_over_the_context_is_refused_with_both_counts(real: Service) -> None:
    answer = await ask(real, asking("word " * 2000, options={"num_ctx": 256}))

    assert answer.status == 400
    error = answer.json["error"]
    assert (error["code"], error["param"]) == ("context_length_exceeded", "messages")
    assert "maximum context length is 256 tokens" in error["message"]


async def test_an_answer_ends_where_the_context_does(real: Service) -> None:
    endless = {"type": "array", "items": {"const": "and so on"}, "minItems": 1000}
    form = {"type": "json_schema", "json_schema": {"name": "endless", "schema": endless}}
    wanted = asking(response_format=form, max_completion_tokens=600, options={"num_ctx": 256})

    answer = await ask(real, wanted)

    assert answer.json["choices"][0]["finish_reason"] == "length"
    assert answer.json["usage"]["total_tokens"] <= 256


async def test_hanging_up_stops_the_model(real: Service) -> None:
    body = asking("Count to a thousand.", max_completion_tokens=100_000, stream=True)
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(real.port, CHAT, body)
        await raw_http.read_head(reader)
        await raw_http.read_chunk(reader)
        await raw_http.hang_up(writer)

        # Were the places still taken, these would wait for the hundred thousand tokens.
        answers = await asyncio.gather(*(ask(real, asking()) for _ in range(4)))

    assert [answer.status for answer in answers] == [200] * 4
