"""The service in front of an engine that speaks OpenAI's API: here, of itself."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from domain.models import Capability
from tests.support.fake_engine import CHAT, FakeEngine
from tests.support.fake_llm import MODELS, FakeLLM, details
from tests.support.service import ASK, service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.service import Service

WEATHER = {"type": "function", "function": {"name": "get_weather"}}


@asynccontextmanager
async def in_front_of(url: str, **settings: Any) -> AsyncGenerator[Service]:
    async with service_of(url, llm_backend="openai", upstream_url=url, **settings) as service:
        yield service


async def test_an_answer_passes_through_both() -> None:
    async with (
        service_of(FakeLLM()) as inner,
        in_front_of(f"http://127.0.0.1:{inner.port}") as service,
    ):
        ready = await service.ask(path="/readyz")
        answer = await service.ask(ASK)
        models = await service.ask(path="/v1/models")
        embedded = await service.ask({"model": "embedder", "input": ["a"]}, "/v1/embeddings")
        completed = await service.ask({"prompt": "One", "max_tokens": 4}, "/v1/completions")

    assert ready.status == 200
    assert answer.json["choices"][0]["message"]["content"] == "Hello"
    assert answer.json["usage"]["prompt_tokens"] > 0
    assert "smollm2:135m" in [model["id"] for model in models.json["data"]]
    assert len(embedded.json["data"][0]["embedding"]) == 4
    assert completed.json["choices"][0]["text"] == "Hello"


async def test_an_error_of_the_inner_one_keeps_its_meaning() -> None:
    async with (
        service_of(FakeLLM()) as inner,
        in_front_of(f"http://127.0.0.1:{inner.port}") as service,
    ):
        missing = await service.ask({**ASK, "model": "nope"})
        toolless = await service.ask({**ASK, "tools": [WEATHER]})

    assert (missing.status, missing.json["error"]["code"]) == (404, "model_not_found")
    assert (toolless.status, toolless.json["error"]["param"]) == (400, "tools")


@pytest.mark.parametrize("model", ["filler", "llama3"])
async def test_a_suffix_is_placed_by_the_inner_one_or_asked_for_in_words(model: str) -> None:
    llm = FakeLLM(models={**MODELS, "filler": details("filler", Capability.INSERT)})
    body = {"model": model, "prompt": "One", "suffix": "three"}
    async with (
        service_of(llm) as inner,
        in_front_of(f"http://127.0.0.1:{inner.port}") as service,
    ):
        answer = await service.ask(body, "/v1/completions")

    assert answer.json["choices"][0]["text"] == "Hello"
    assert [request.suffix for request in llm.prompts] == ["three"] * (model == "filler")
    assert len(llm.requests) == (model != "filler")


async def test_nothing_of_the_client_reaches_the_engine() -> None:
    headers = {"authorization": "Bearer clients-own-key-1", "cookie": "a=b", "x-secret": "c"}
    async with (
        FakeEngine() as engine,
        in_front_of(
            engine.url, api_key="clients-own-key-1", upstream_api_key="engines-own-key"
        ) as service,
    ):
        answer = await service.ask(ASK, headers=headers)
        sent = engine.asked(CHAT)[0].headers

    assert answer.status == 200
    assert sent["authorization"] == "Bearer engines-own-key"
    assert set(sent) == {
        *("host", "accept-encoding", "connection", "authorization"),
        *("content-type", "content-length"),
    }


@pytest.mark.parametrize("field", ["keep_alive", "truncate"])
async def test_what_an_engine_cannot_do_is_refused_by_name(field: str) -> None:
    value = True if field == "truncate" else "5m"
    async with FakeEngine() as engine, in_front_of(engine.url) as service:
        answer = await service.ask({**ASK, field: value})

    assert (answer.status, answer.json["error"]["param"]) == (400, field)
