"""The official client on models, embeddings and completions, made strict where that can hold.

Where it asks for base64 by itself, its own validation would refuse what it then decodes: those
calls run through the same client without it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import openai
import pytest
from openai import AsyncOpenAI
from openai.types import Completion
from pydantic import ValidationError

from adapters.llamacpp.llm import LlamaCppLLM
from adapters.system import RandomIds
from domain.chat import FinishReason, TokenLogprob, Usage
from domain.embeddings import unpack
from domain.errors import UpstreamError
from domain.events import Finished, TextDelta
from domain.models import Capability
from tests.compat.conftest import KEY, in_thread, official, serving_openai
from tests.support.fake_llm import FakeLLM, details, vector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from openai import OpenAI

EMBEDDED = "smollm2:135m"


@pytest.fixture
async def loose(base_url: str) -> AsyncGenerator[AsyncOpenAI]:
    """Give the client as users have it."""
    async with AsyncOpenAI(api_key=KEY, base_url=base_url, max_retries=0) as client:
        yield client


async def test_models_are_listed(client: AsyncOpenAI, llm: FakeLLM) -> None:
    models = [model async for model in client.models.list()]

    assert [model.id for model in models] == list(llm.models)
    assert models[0].object == "model"
    assert models[0].owned_by == "library"
    assert models[0].created == 1_700_000_000


async def test_a_model_is_retrieved_by_a_name_with_slashes(
    client: AsyncOpenAI, llm: FakeLLM
) -> None:
    name = "hf.co/unsloth/Qwen3-8B-GGUF:Q4_K_M"
    llm.models[name] = details(name, Capability.TOOLS)

    model = await client.models.retrieve(name)

    assert model.id == name
    assert model.model_dump()["capabilities"] == ["completion", "tools"]
    assert model.model_dump()["context_length"] == 8192


async def test_an_unknown_model_is_not_found(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await client.models.retrieve("no/such:model")

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


async def test_deleting_is_denied(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        await client.models.delete("llama3")

    assert caught.value.code == "model_delete_disabled"


async def test_vectors_as_the_client_asks_by_itself(loose: AsyncOpenAI) -> None:
    result = await loose.embeddings.create(model="embedder", input=["Hello", "Wörld"])

    assert [entry.embedding for entry in result.data] == [
        list(unpack(vector("Hello"))),
        list(unpack(vector("Wörld"))),
    ]


async def test_vectors_as_numbers_are_the_same(client: AsyncOpenAI, loose: AsyncOpenAI) -> None:
    numbers = await client.embeddings.create(model="embedder", input="Hi", encoding_format="float")
    base64 = await loose.embeddings.create(model="embedder", input="Hi")

    assert numbers.data[0].embedding == base64.data[0].embedding
    assert (numbers.object, numbers.data[0].object) == ("list", "embedding")
    assert numbers.usage.total_tokens == 1


async def test_vectors_can_be_short(client: AsyncOpenAI) -> None:
    result = await client.embeddings.create(
        model="embedder", input="Hi", encoding_format="float", dimensions=3
    )

    assert len(result.data[0].embedding) == 3
    assert math.hypot(*result.data[0].embedding) == pytest.approx(1)


async def test_two_thousand_texts_at_once(loose: AsyncOpenAI, llm: FakeLLM) -> None:
    texts = [f"text {number}" for number in range(2048)]

    result = await loose.embeddings.create(model="embedder", input=texts)

    assert [entry.index for entry in result.data] == list(range(2048))
    assert result.data[2047].embedding == list(unpack(vector("text 2047")))
    assert sum(len(request.texts) for request in llm.embedded) == 2048


async def test_a_completion(base_url: str) -> None:
    def work(client: OpenAI) -> None:
        answer = client.completions.create(model="llama3", prompt="Once", echo=True)

        assert answer.id.startswith("cmpl-")
        assert answer.object == "text_completion"
        assert answer.choices[0].text == "OnceHello"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert answer.usage.total_tokens == 9

    await in_thread(base_url, work)


async def test_completions_with_log_probabilities(client: AsyncOpenAI, llm: FakeLLM) -> None:
    token = TokenLogprob("Hi", -0.5, b"Hi")
    llm.script = ([TextDelta("Hi", (token,)), Finished(FinishReason.STOP, Usage(3, 1))],)

    answer = await client.completions.create(
        model="llama3", prompt=["a", "b"], n=2, best_of=3, logprobs=2
    )

    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    logprobs = answer.choices[3].logprobs
    assert logprobs is not None
    assert (logprobs.tokens, logprobs.token_logprobs) == (["Hi"], [-0.5])
    assert (logprobs.top_logprobs, logprobs.text_offset) == ([{"Hi": -0.5}], [0])


async def test_a_completion_in_the_middle(client: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.models["filler"] = details("filler", Capability.INSERT)

    answer = await client.completions.create(model="filler", prompt="def f(", suffix="return 1")

    assert answer.choices[0].text == "Hello"
    assert llm.prompts[0].suffix == "return 1"


async def test_a_streamed_completion(loose: AsyncOpenAI) -> None:
    stream = await loose.completions.create(
        model="llama3",
        prompt="Once",
        echo=True,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]

    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == "OnceHello"
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None, None, None, "stop"]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 9
    # docs/decisions/0015: one field of the client's type has no place for what OpenAI sends.
    assert [faults(chunk) for chunk in chunks] == [[("choices", 0, "finish_reason")]] * 3 + [[]] * 2


async def test_log_probabilities_in_a_streamed_completion(loose: AsyncOpenAI, llm: FakeLLM) -> None:
    token = TokenLogprob("Hi", -0.5, b"Hi")
    llm.script = ([TextDelta("Hi", (token,)), Finished(FinishReason.STOP, Usage(3, 1))],)

    stream = await loose.completions.create(
        model="llama3", prompt=["a", "b"], n=2, logprobs=2, stream=True
    )
    chunks = [chunk async for chunk in stream]

    assert sorted(chunk.choices[0].index for chunk in chunks) == [0, 0, 1, 1, 2, 2, 3, 3]
    for chunk in chunks:
        goes_on = bool(chunk.choices[0].text)
        assert faults(chunk) == [("choices", 0, "finish_reason")] * goes_on


def faults(chunk: Completion) -> list[tuple[int | str, ...]]:
    """Return the fields of a chunk that the client's types, taken strictly, do not allow."""
    try:
        Completion.model_validate(chunk.model_dump(), strict=True)
    except ValidationError as error:
        return [fault["loc"] for fault in error.errors()]
    return []


async def test_a_failure_inside_a_stream_is_raised(loose: AsyncOpenAI, llm: FakeLLM) -> None:
    llm.play([TextDelta("a")], UpstreamError("It broke."))

    stream = await loose.completions.create(model="llama3", prompt="Once", stream=True)

    with pytest.raises(openai.APIError, match="It broke"):
        [chunk async for chunk in stream]


CALLS: Mapping[str, Callable[[AsyncOpenAI], Awaitable[object]]] = {
    "files": lambda client: client.files.list(),
    "moderations": lambda client: client.moderations.create(input="x"),
    "images": lambda client: client.images.generate(prompt="x", model="y"),
    "batches": lambda client: client.batches.list(),
    "fine-tuning": lambda client: client.fine_tuning.jobs.list(),
    "vector stores": lambda client: client.vector_stores.list(),
    "audio": lambda client: client.audio.speech.create(input="x", model="y", voice="z"),
    "stored chats": lambda client: client.chat.completions.list(),
}


@pytest.mark.parametrize("name", CALLS)
async def test_what_is_not_there_raises_with_a_reason(client: AsyncOpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError, match=r"does not have|not kept"):
        await CALLS[name](client)


async def test_the_embedded_engine_serves_all_three() -> None:
    llm = LlamaCppLLM(RandomIds(), threads=1, context_length=512)
    try:
        async with serving_openai(llm) as url, official(url) as client:
            models = [model async for model in client.models.list()]
            model = await client.models.retrieve(EMBEDDED)
            text = await client.completions.create(
                model=EMBEDDED,
                prompt="The capital of France is",
                max_tokens=3,
                temperature=0,
                logprobs=1,
            )
            middle = await client.completions.create(
                model=EMBEDDED,
                prompt="The capital of France is ",
                suffix=", a city on the Seine.",
                max_tokens=8,
                temperature=0,
                logprobs=1,
            )
            echo = await client.completions.create(
                model=EMBEDDED,
                prompt=["One, two,", "def f("],
                suffix=" four.",
                echo=True,
                n=2,
                best_of=3,
                max_tokens=4,
                stop=["."],
            )
            vectors = await client.embeddings.create(
                model=EMBEDDED,
                input=["The sky is blue.", "Grass is green."],
                encoding_format="float",
                dimensions=64,
            )
    finally:
        await llm.aclose()

    assert [entry.id for entry in models] == [model.id] == [EMBEDDED]
    assert text.choices[0].text.startswith(" Paris")
    assert text.choices[0].logprobs is not None
    assert len(text.choices[0].logprobs.tokens or ()) == 3
    assert middle.choices[0].logprobs is not None
    assert "".join(middle.choices[0].logprobs.tokens or ()) == middle.choices[0].text != ""
    assert [choice.text.startswith("One, two,") for choice in echo.choices] == [True] * 2 + [
        False
    ] * 2
    assert [len(entry.embedding) for entry in vectors.data] == [64, 64]
    assert math.hypot(*vectors.data[0].embedding) == pytest.approx(1, abs=1e-3)
