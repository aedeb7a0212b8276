"""The official client and whole answers; it validates each of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from openai import LengthFinishReasonError
from pydantic import BaseModel

from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.events import Finished, ReasoningDelta, TextDelta
from domain.messages import ImagePart, TextPart
from domain.sampling import JSONSchemaFormat, ReasoningEffort
from tests.compat.conftest import in_thread

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

    from tests.support.fake_llm import FakeLLM, Step

ASK: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]
USAGE = Usage(prompt_tokens=10, completion_tokens=6, cached_tokens=4, reasoning_tokens=3)
END = Finished(FinishReason.STOP, USAGE)


class Person(BaseModel):
    name: str
    born: int


ADA = Person(name="Ada", born=1815)
ADA_TEXT: list[Step] = [[TextDelta('{"name": "Ada",')], [TextDelta(' "born": 1815}'), END]]


async def test_a_whole_answer(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="llama3", messages=ASK)

    assert answer.model_dump(exclude_unset=True) == {
        "id": "chatcmpl-2",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "llama3",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "Hello",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 7,
            "completion_tokens": 2,
            "total_tokens": 9,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
        "system_fingerprint": "fp_local",
    }


async def test_a_whole_answer_to_the_synchronous_client(base_url: str) -> None:
    def ask(client: OpenAI) -> ChatCompletion:
        return client.chat.completions.create(model="llama3", messages=ASK)

    answer = await in_thread(base_url, ask)

    assert answer.choices[0].message.content == "Hello"


async def test_the_request_id_is_on_the_answer_and_in_its_header(client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(model="llama3", messages=ASK)

    assert raw.headers["x-request-id"].startswith("req_")
    answer = raw.parse()
    assert answer._request_id == raw.headers["x-request-id"]  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - its public name


async def test_three_choices(client: AsyncOpenAI, llm: FakeLLM) -> None:
    answer = await client.chat.completions.create(model="llama3", messages=ASK, n=3, seed=5)

    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert sorted(request.sampling.seed or 0 for request in llm.requests) == [5, 6, 7]
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (7, 6)


async def test_explicit_nulls_are_as_good_as_nothing(client: AsyncOpenAI, llm: FakeLLM) -> None:
    await client.chat.completions.create(
        model="llama3",
        messages=ASK,
        stream=None,
        stream_options=None,
        n=None,
        temperature=None,
        top_p=None,
        stop=None,
        seed=None,
        logprobs=None,
        top_logprobs=None,
        logit_bias=None,
        max_tokens=None,
        max_completion_tokens=None,
        frequency_penalty=None,
        presence_penalty=None,
        modalities=None,
        audio=None,
        prediction=None,
        reasoning_effort=None,
        service_tier=None,
        store=None,
        metadata=None,
        verbosity=None,
        prompt_cache_retention=None,
    )
    await client.chat.completions.create(model="llama3", messages=ASK)

    assert llm.requests[0] == llm.requests[1]


async def test_sampling_reaches_the_model(client: AsyncOpenAI, llm: FakeLLM) -> None:
    await client.chat.completions.create(
        model="llama3",
        messages=ASK,
        temperature=0,
        top_p=0.5,
        frequency_penalty=-1,
        presence_penalty=1,
        seed=-3,
        max_completion_tokens=9,
        stop=["a", "b"],
    )

    sampling = llm.requests[0].sampling
    assert (sampling.temperature, sampling.top_p, sampling.seed) == (0, 0.5, -3)
    assert (sampling.frequency_penalty, sampling.presence_penalty) == (-1, 1)
    assert (sampling.max_tokens, sampling.stop) == (9, ("a", "b"))


async def test_logprobs(client: AsyncOpenAI, llm: FakeLLM) -> None:
    top = TopLogprob("Hi", -1.5, b"Hi")
    entry = TokenLogprob("\N{GRINNING FACE}", -0.5, "\N{GRINNING FACE}".encode(), (top,))
    llm.play([TextDelta("\N{GRINNING FACE}", (entry,)), END])

    answer = await client.chat.completions.create(
        model="llama3", messages=ASK, logprobs=True, top_logprobs=1
    )

    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert (logprobs.content[0].logprob, logprobs.content[0].bytes) == (-0.5, [240, 159, 152, 128])
    assert [alternative.token for alternative in logprobs.content[0].top_logprobs] == ["Hi"]
    assert llm.requests[0].top_logprobs == 1


async def test_reasoning_comes_beside_the_content(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm.")], [TextDelta("Yes."), END])

    answer = await client.chat.completions.create(
        model="thinker", messages=ASK, reasoning_effort="high"
    )

    message = answer.choices[0].message
    assert (message.content, message.model_extra) == (
        "Yes.",
        {"reasoning_content": "Hm.", "reasoning": "Hm."},
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 3
    assert llm.requests[0].reasoning is ReasoningEffort.HIGH


async def test_an_answer_goes_back_as_the_client_holds_it(
    client: AsyncOpenAI, llm: FakeLLM
) -> None:
    llm.play([ReasoningDelta("Hm.")], [TextDelta("Yes."), END])
    first = await client.chat.completions.create(model="thinker", messages=ASK)
    echo = first.choices[0].message

    raw = await client.chat.completions.with_raw_response.create(
        model="thinker",
        messages=[*ASK, echo, *ASK],  # type: ignore[list-item] # pyright: ignore[reportArgumentType] - as OpenAI's own examples do
    )

    assert "x-ignored-parameters" not in raw.headers
    assert [(m.text, m.reasoning) for m in llm.requests[1].messages[1:2]] == [("Yes.", "Hm.")]


async def test_images_as_data_urls(client: AsyncOpenAI, llm: FakeLLM) -> None:
    gif = "R0lGODlhAQABAAAAACw="

    await client.chat.completions.create(
        model="viewer",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/gif;base64,{gif}", "detail": "low"},
                    },
                    {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{gif}"}},
                ],
            }
        ],
    )

    image = ImagePart("image/gif", gif)
    assert llm.requests[0].messages[0].content == (TextPart("What is this?"), image, image)


async def test_parse_gives_the_pydantic_model(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play(*ADA_TEXT)

    answer = await client.chat.completions.parse(
        model="llama3", messages=ASK, response_format=Person
    )

    assert answer.choices[0].message.parsed == ADA
    output = llm.requests[0].output
    assert isinstance(output, JSONSchemaFormat)
    assert (output.name, output.strict) == ("Person", True)


async def test_parse_gives_the_pydantic_model_to_the_synchronous_client(
    base_url: str, llm: FakeLLM
) -> None:
    llm.play(*ADA_TEXT)

    def ask(client: OpenAI) -> Person | None:
        answer = client.chat.completions.parse(model="m", messages=ASK, response_format=Person)
        return answer.choices[0].message.parsed

    llm.models["m"] = llm.models["llama3"]
    assert await in_thread(base_url, ask) == ADA


async def test_parse_says_that_the_answer_was_cut(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta('{"name'), Finished(FinishReason.LENGTH, USAGE)])

    with pytest.raises(LengthFinishReasonError):
        await client.chat.completions.parse(model="llama3", messages=ASK, response_format=Person)


async def test_json_objects(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta('{"a": 1}'), END])

    answer = await client.chat.completions.create(
        model="llama3", messages=ASK, response_format={"type": "json_object"}
    )

    assert json.loads(answer.choices[0].message.content or "") == {"a": 1}


async def test_what_is_kept_elsewhere_is_echoed_or_named(client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="llama3",
        messages=ASK,
        store=True,
        metadata={"a": "b"},
        user="u",
        safety_identifier="s",
        prompt_cache_key="k",
        service_tier="flex",
        extra_body={"trace_id": "t", "num_ctx": 4096},
    )

    answer = raw.parse()
    assert raw.headers["x-ignored-parameters"] == "trace_id, store"
    assert answer.model_dump()["metadata"] == {"a": "b"}
    assert answer.service_tier == "default"
