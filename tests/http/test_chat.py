from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from tests.support.fake_llm import USAGE
from tests.support.service import ASK, service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

STOP = Finished(FinishReason.STOP, USAGE)
TOOL = {"type": "function", "function": {"name": "get_weather"}}
FUNCTION = {"name": "get_weather"}


def counted(prompt: int = 7, completion: int = 2, cached: int = 0, reasoning: int = 0) -> Any:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def said(content: str | None = "Hello", **more: Any) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": content,
        "refusal": None,
        "annotations": [],
        **more,
    }


def choice(message: Any, reason: str = "stop", index: int = 0, logprobs: Any = None) -> Any:
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": reason}


def completion(*choices: Any, usage: Any = None, model: str = "smollm2:135m", **more: Any) -> Any:
    return {
        "id": "chatcmpl-2",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": model,
        "choices": list(choices),
        "usage": usage or counted(),
        "service_tier": "default",
        "system_fingerprint": "fp_local",
        **more,
    }


async def test_a_question_is_answered_whole(service: Service) -> None:
    answer = await service.ask(ASK)

    assert answer.status == 200
    assert answer.json == completion(choice(said()))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"] == "req_1"


async def test_the_bytes_of_an_answer_are_compact_and_in_openais_order(service: Service) -> None:
    answer = await service.ask(ASK)

    assert answer.body == (
        b'{"id":"chatcmpl-2","object":"chat.completion","created":1700000000,'
        b'"model":"smollm2:135m","choices":[{"index":0,"message":{"role":"assistant",'
        b'"content":"Hello","refusal":null,"annotations":[]},"logprobs":null,'
        b'"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,'
        b'"total_tokens":9,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},'
        b'"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,'
        b'"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},'
        b'"service_tier":"default","system_fingerprint":"fp_local"}'
    )


async def test_the_answer_names_the_model_that_was_asked_for(service: Service) -> None:
    answer = await service.ask(ASK | {"model": "llama3"})

    assert answer.json == completion(choice(said()), model="llama3")


async def test_several_answers_come_in_the_order_of_their_index(
    service: Service, llm: FakeLLM
) -> None:
    for text in ("a", "b", "c"):
        llm.play([TextDelta(text), STOP])

    answer = await service.ask(ASK | {"n": 3})

    choices = [choice(said(text), index=index) for index, text in enumerate("abc")]
    assert answer.json == completion(*choices, usage=counted(completion=6))


async def test_the_prompt_of_several_answers_counts_once_and_whole(
    service: Service, llm: FakeLLM
) -> None:
    for usage in (Usage(5, 2), Usage(7, 2, cached_tokens=4), Usage(6, 2)):
        llm.play([TextDelta("a"), Finished(FinishReason.STOP, usage)])

    answer = await service.ask(ASK | {"n": 3})

    assert answer.json["usage"] == counted(completion=6, cached=4)


async def test_an_answer_that_was_cut_says_so(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel"), Finished(FinishReason.LENGTH, USAGE)])

    answer = await service.ask(ASK)

    assert answer.json == completion(choice(said("Hel"), "length"))


async def test_calls_come_as_tool_calls(service: Service, llm: FakeLLM) -> None:
    llm.play(
        [
            ToolCallDelta(0, "call_a", "get_weather", '{"city":'),
            ToolCallDelta(0, None, None, '"Rome"}'),
            ToolCallDelta(1, "call_b", "get_weather", "{}"),
            Finished(FinishReason.TOOL_CALLS, USAGE),
        ]
    )

    answer = await service.ask(ASK | {"model": "tools-model", "tools": [TOOL]})

    calls = [
        {
            "id": "call_a",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
        },
        {
            "id": "call_b",
            "type": "function",
            "function": {"name": "get_weather", "arguments": "{}"},
        },
    ]
    assert answer.json == completion(
        choice(said(None, tool_calls=calls), "tool_calls"), model="tools-model"
    )


async def test_text_beside_calls_is_kept(service: Service, llm: FakeLLM) -> None:
    call = ToolCallDelta(0, "call_a", "get_weather", "{}")
    llm.play([TextDelta("Look:"), call, Finished(FinishReason.TOOL_CALLS, USAGE)])

    answer = await service.ask(ASK | {"model": "tools-model", "tools": [TOOL]})

    calls = [
        {
            "id": "call_a",
            "type": "function",
            "function": {"name": "get_weather", "arguments": "{}"},
        }
    ]
    assert answer.json == completion(
        choice(said("Look:", tool_calls=calls), "tool_calls"), model="tools-model"
    )


async def test_the_deprecated_form_gets_its_one_call_in_its_own_shape(
    service: Service, llm: FakeLLM
) -> None:
    call = ToolCallDelta(0, "call_a", "get_weather", "{}")
    another = ToolCallDelta(1, "call_b", "get_weather", "{}")
    llm.play([call, another, Finished(FinishReason.TOOL_CALLS, USAGE)])

    answer = await service.ask(ASK | {"model": "tools-model", "functions": [FUNCTION]})

    old = {"name": "get_weather", "arguments": "{}"}
    assert answer.json == completion(
        choice(said(None, function_call=old), "function_call"), model="tools-model"
    )


async def test_thinking_comes_under_both_names_and_is_counted(
    service: Service, llm: FakeLLM
) -> None:
    usage = Usage(7, 5, cached_tokens=4, reasoning_tokens=3)
    thoughts = [ReasoningDelta("Hm"), ReasoningDelta(".")]
    llm.play([*thoughts, TextDelta("Hello"), Finished(FinishReason.STOP, usage)])

    answer = await service.ask(ASK | {"model": "thinker", "reasoning_effort": "low"})

    assert answer.json == completion(
        choice(said(reasoning_content="Hm.", reasoning="Hm.")),
        usage=counted(completion=5, cached=4, reasoning=3),
        model="thinker",
    )


async def test_log_probabilities_come_in_openais_shape(service: Service, llm: FakeLLM) -> None:
    drawn = TokenLogprob("Hé", -0.25, "Hé".encode(), (TopLogprob("\ufffd", -3.5, None),))
    llm.play([TextDelta("Hé", (drawn,)), STOP])

    answer = await service.ask(ASK | {"logprobs": True, "top_logprobs": 1})

    top = {"token": "\ufffd", "logprob": -3.5, "bytes": None}
    entry = {
        "token": "Hé",
        "logprob": -0.25,
        "bytes": [72, 195, 169],
        "top_logprobs": [top],
    }
    assert answer.json == completion(
        choice(said("Hé"), logprobs={"content": [entry], "refusal": None})
    )


async def test_metadata_is_echoed(service: Service) -> None:
    answer = await service.ask(ASK | {"metadata": {"run": "7"}})

    assert answer.json == completion(choice(said()), metadata={"run": "7"})


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param({"store": True}, "store", id="a field that does nothing"),
        pytest.param({"tags": ["a"]}, "tags", id="a framework's field"),
        pytest.param(
            {"messages": [{"role": "user", "content": "Hi", "id": "x"}]},
            "messages[].id",
            id="an unknown field inside",
        ),
        pytest.param(
            {"options": {"mirostat": 1}, "store": True},
            "options.mirostat, store",
            id="several",
        ),
    ],
)
async def test_what_is_left_out_is_named_in_a_header(
    service: Service, body: dict[str, Any], headers: str
) -> None:
    answer = await service.ask(ASK | body)

    assert answer.json == completion(choice(said()))
    assert answer.headers["x-ignored-parameters"] == headers


async def test_nothing_is_named_where_nothing_is_left_out(service: Service) -> None:
    answer = await service.ask(ASK | {"user": "me", "service_tier": "auto", "seed": 1})

    assert answer.json == completion(choice(said()))
    assert "x-ignored-parameters" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/chat/completions", "/v1/chat/completions/", "/v1//chat/completions"]
)
async def test_other_spellings_of_the_path_lead_here_too(service: Service, path: str) -> None:
    answer = await service.ask(ASK, path)

    assert answer.json == completion(choice(said()))


async def test_answers_follow_each_other(llm: FakeLLM) -> None:
    async with service_of(llm) as service:
        answers = [await service.ask(ASK) for _ in range(3)]

    assert [answer.json["id"] for answer in answers] == ["chatcmpl-2", "chatcmpl-4", "chatcmpl-6"]
    assert all(stream.closed.is_set() for stream in llm.streams)
