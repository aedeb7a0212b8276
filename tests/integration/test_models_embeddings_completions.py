"""Models, embeddings and completions over a real Ollama, through the official client."""

from __future__ import annotations

import asyncio
import math
import os
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.integration

OLLAMA = os.environ.get("OLLAMA_URL", "http://127.0.0.1:11434")
PROMPT = "The capital of France is"


@pytest.fixture
async def base_url() -> AsyncGenerator[str]:
    async with service_of(OLLAMA, default_temperature=0) as service:
        yield f"http://127.0.0.1:{service.port}/v1"


@pytest.fixture
async def strict(base_url: str) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(
        api_key="none", base_url=base_url, max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


@pytest.fixture
async def loose(base_url: str) -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key="none", base_url=base_url, max_retries=0) as client:
        yield client


async def model_that_can(client: AsyncOpenAI, capability: str) -> str:
    """Return the smallest name of a model with a capability; skip the test without one."""
    models: list[dict[str, Any]] = [model.model_dump() async for model in client.models.list()]
    able = sorted(m["id"] for m in models if capability in (m.get("capabilities") or ()))
    if not able:
        pytest.skip(f"Ollama has no model that can do {capability}")
    name: str = able[0]
    return name


async def test_every_listed_model_can_be_retrieved(strict: AsyncOpenAI) -> None:
    models = [model async for model in strict.models.list()]
    again = await asyncio.gather(*(strict.models.retrieve(model.id) for model in models))
    spelled = await strict.models.retrieve(f"library/{models[-1].id}")

    assert [model.model_dump() for model in again] == [model.model_dump() for model in models]
    assert spelled.created == models[-1].created
    assert all("context_length" in model.model_dump() for model in models)


async def test_vectors_agree_in_both_forms(strict: AsyncOpenAI, loose: AsyncOpenAI) -> None:
    model = await model_that_can(strict, "embedding")
    texts = ["The sky is blue.", "Grass is green."]

    numbers = await strict.embeddings.create(model=model, input=texts, encoding_format="float")
    base64 = await loose.embeddings.create(model=model, input=texts)
    short = await loose.embeddings.create(model=model, input=texts, dimensions=16)

    assert [e.embedding for e in numbers.data] == [e.embedding for e in base64.data]
    assert [len(e.embedding) for e in short.data] == [16, 16]
    assert math.hypot(*short.data[0].embedding) == pytest.approx(1, abs=1e-3)
    assert numbers.usage.prompt_tokens > 0


async def test_an_input_that_is_too_long_is_refused_unless_it_may_be_cut(
    loose: AsyncOpenAI,
) -> None:
    model = await model_that_can(loose, "embedding")
    long = "word " * 40_000

    with pytest.raises(openai.BadRequestError) as caught:
        await loose.embeddings.create(model=model, input=long)
    cut = await loose.embeddings.create(model=model, input=long, extra_body={"truncate": True})

    assert (caught.value.code, caught.value.param) == ("context_length_exceeded", "input")
    assert len(cut.data) == 1


async def test_a_prompt_is_completed_whole_and_streamed(
    strict: AsyncOpenAI, loose: AsyncOpenAI
) -> None:
    model = await model_that_can(strict, "completion")

    whole = await strict.completions.create(
        model=model, prompt=PROMPT, max_tokens=4, temperature=0, logprobs=2, seed=1
    )
    stream = await loose.completions.create(
        model=model, prompt=PROMPT, max_tokens=4, temperature=0, seed=1, echo=True, stream=True
    )
    streamed = "".join([chunk.choices[0].text async for chunk in stream])

    assert streamed == PROMPT + whole.choices[0].text
    assert whole.choices[0].finish_reason == "length"
    logprobs = whole.choices[0].logprobs
    assert logprobs is not None
    assert "".join(logprobs.tokens or ()) == whole.choices[0].text
    assert len(logprobs.top_logprobs or ()) == len(logprobs.text_offset or ()) == 4


async def test_a_suffix_is_led_up_to(strict: AsyncOpenAI, loose: AsyncOpenAI) -> None:
    model = await model_that_can(strict, "completion")

    whole = await strict.completions.create(
        model=model,
        prompt="def add(a, b):\n",
        suffix="\nprint(add(1, 2))",
        max_tokens=8,
        logprobs=1,
        seed=1,
        echo=False,
    )
    stream = await loose.completions.create(
        model=model,
        prompt="def add(a, b):\n",
        suffix="\nprint(add(1, 2))",
        max_tokens=8,
        echo=True,
        stream=True,
    )

    assert whole.choices[0].text
    assert whole.choices[0].logprobs is not None
    assert (await anext(stream)).choices[0].text == "def add(a, b):\n"
    await stream.close()
