"""POST /v1/completions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import EngineOptions, FinishReason, TokenLogprob, Usage
from domain.completion import CompletionRequest
from domain.errors import UpstreamError
from domain.events import Finished, TextDelta
from domain.models import Capability
from domain.sampling import Sampling
from tests.support.asking import data_of
from tests.support.fake_llm import FakeLLM, details

if TYPE_CHECKING:
    from tests.support.service import Answer, Service

PATH = "/v1/completions"


async def ask(service: Service, prompt: object = "Once", **fields: object) -> Answer:
    return await service.ask({"model": "llama3", "prompt": prompt, **fields}, PATH)


def chunks(answer: Answer) -> list[Any]:
    lines = [data_of(line) for line in answer.body.decode().split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


async def test_a_prompt_has_one_completion(service: Service, llm: FakeLLM) -> None:
    answer = await ask(service)

    assert answer.status == 200
    assert answer.json == {
        "id": "cmpl-2",
        "object": "text_completion",
        "created": 1_700_000_000,
        "model": "llama3",
        "system_fingerprint": "fp_local",
        "choices": [{"text": "Hello", "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
    }
    assert llm.prompts == [
        CompletionRequest("llama3", "Once", sampling=Sampling(temperature=0.7, max_tokens=16))
    ]


async def test_every_field_reaches_the_model(service: Service, llm: FakeLLM) -> None:
    llm.models["llama3"] = details("llama3", Capability.INSERT)
    answer = await ask(
        service,
        suffix="end",
        max_tokens=3,
        temperature=0,
        top_p=0.5,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        seed=7,
        stop=["a", "b"],
        logprobs=2,
        user="me",
        top_k=5,
        repetition_penalty=1.2,
        options={"num_ctx": 512},
        keep_alive=60,
        truncate=True,
    )

    assert answer.status == 200
    assert llm.prompts == [
        CompletionRequest(
            "llama3",
            "Once",
            "end",
            Sampling(0, 0.5, 0.1, 0.2, 7, 3, ("a", "b")),
            2,
            EngineOptions({"num_ctx": 512, "top_k": 5, "repeat_penalty": 1.2}, 60, truncate=True),
        )
    ]


@pytest.mark.parametrize(("limit", "most"), [(50, 50), (-1, None)])
async def test_options_count_before_the_usual_limit(
    service: Service, llm: FakeLLM, limit: int, most: int | None
) -> None:
    await ask(service, "Once", options={"num_predict": limit, "seed": 7}, n=2, stop="")

    assert [asked.sampling.seed for asked in llm.prompts] == [7, 8]
    assert {asked.sampling.max_tokens for asked in llm.prompts} == {most}
    assert {asked.sampling.stop for asked in llm.prompts} == {()}


async def test_several_prompts_with_several_completions_are_numbered(
    service: Service, llm: FakeLLM
) -> None:
    for text in "abcd":
        llm.play([TextDelta(text), Finished(FinishReason.LENGTH, Usage(3, 1))])

    answer = await ask(service, ["one", "two"], n=2, echo=True)

    assert [(c["index"], c["text"], c["finish_reason"]) for c in answer.json["choices"]] == [
        (0, "onea", "length"),
        (1, "oneb", "length"),
        (2, "twoc", "length"),
        (3, "twod", "length"),
    ]
    assert answer.json["usage"]["total_tokens"] == 10


async def test_log_probabilities_have_the_legacy_form(service: Service, llm: FakeLLM) -> None:
    token = TokenLogprob("Hi", -0.5, b"Hi")
    llm.play([TextDelta("Hi", (token,)), Finished(FinishReason.STOP, Usage(3, 1))])

    answer = await ask(service, logprobs=0)

    assert answer.json["choices"][0]["logprobs"] == {
        "tokens": ["Hi"],
        "token_logprobs": [-0.5],
        "top_logprobs": [{"Hi": -0.5}],
        "text_offset": [0],
    }


async def test_a_stream_ends_with_usage_where_asked(service: Service) -> None:
    answer = await ask(service, stream=True, stream_options={"include_usage": True}, echo=True)

    *records, usage, done = chunks(answer)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [record["choices"][0]["text"] for record in records] == ["Once", "Hel", "lo", ""]
    assert {record["object"] for record in records} == {"text_completion"}
    assert {record["usage"] for record in records} == {None}
    assert usage["choices"] == []
    assert usage["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
    assert done == "[DONE]"


async def test_a_suffix_is_led_up_to_by_any_model_that_writes(
    service: Service, llm: FakeLLM
) -> None:
    whole = await ask(service, suffix="end", echo=True)
    streamed = await ask(service, suffix="end", stream=True)

    *records, done = chunks(streamed)
    assert whole.json["choices"][0]["text"] == "OnceHello"
    assert [record["choices"][0]["text"] for record in records] == ["Hel", "lo", ""]
    assert done == "[DONE]"
    assert [request.messages[-1].text for request in llm.requests] == ["Once<HOLE/>end"] * 2


async def test_a_failure_before_the_first_token_keeps_its_status(service: Service) -> None:
    answer = await ask(service, stream=True, model="nope")

    assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")


async def test_a_failure_inside_a_stream_is_told_in_it(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("a")], UpstreamError("It broke."))

    answer = await ask(service, stream=True)

    assert chunks(answer)[-1]["error"]["message"] == "It broke."
    assert answer.body.endswith(b"\nevent: error\n\n")


@pytest.mark.parametrize("prompt", [None, ""])
async def test_no_prompt_begins_a_document(service: Service, llm: FakeLLM, prompt: object) -> None:
    answer = await ask(service, prompt)

    assert answer.status == 200
    assert llm.prompts[0].prompt == "<|endoftext|>"


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        pytest.param({"prompt": []}, "prompt", "empty_array", id="no prompts"),
        pytest.param({"prompt": ["a"] * 129}, "prompt", "array_above_max_length", id="many"),
        pytest.param({"prompt": ["a", 1]}, "prompt", "invalid_type", id="mixed"),
        pytest.param({"n": 0}, "n", "integer_below_min_value", id="n"),
        pytest.param({"n": 3, "best_of": 2}, "best_of", "integer_below_min_value", id="best_of"),
        pytest.param({"best_of": 21}, "best_of", "integer_above_max_value", id="best_of 21"),
        pytest.param({"logprobs": 6}, "logprobs", "integer_above_max_value", id="logprobs"),
        pytest.param({"logprobs": True}, "logprobs", "invalid_type", id="chat's logprobs"),
        pytest.param({"max_tokens": -1}, "max_tokens", "integer_below_min_value", id="max_tokens"),
        pytest.param({"logit_bias": {"1": 1}}, "logit_bias", "unsupported_parameter", id="bias"),
        pytest.param({"echo": True, "logprobs": 1}, "logprobs", "unsupported_parameter", id="both"),
        pytest.param(
            {"model": "embedder", "suffix": "x"}, "suffix", "unsupported_parameter", id="suffix"
        ),
        pytest.param({"stream_options": {}}, "stream_options", None, id="stream_options"),
        pytest.param({"messages": []}, "messages", "unknown_parameter", id="messages"),
        pytest.param(
            {"stream": True, "best_of": 2}, "best_of", "invalid_parameter_combination", id="stream"
        ),
    ],
)
async def test_what_cannot_be_completed_is_refused_by_its_field(
    service: Service, fields: dict[str, object], param: str, code: str | None
) -> None:
    answer = await service.ask({"model": "llama3", "prompt": "Once", **fields}, PATH)

    assert answer.status == 400
    assert (answer.json["error"]["param"], answer.json["error"]["code"]) == (param, code)


async def test_too_many_completions_of_many_prompts_are_refused(service: Service) -> None:
    answer = await ask(service, ["a"] * 65, n=2)

    assert answer.status == 400
    assert answer.json["error"]["param"] == "prompt"
