from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.errors import UpstreamUnavailableError
from tests.support.fake_llm import FakeLLM
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import streamed
from tests.support.fake_ollama_http import Ending
from tests.support.service import ASK, service_of

if TYPE_CHECKING:
    from domain.models import ModelDetails
    from tests.support.service import Service

CHAT_PATH = "/api/chat"
GONE = UpstreamUnavailableError("The model server cannot be reached.", code="upstream_unavailable")


class SilentLLM(FakeLLM):
    """A model server that takes a question and never answers."""

    async def show_model(self, name: str) -> ModelDetails:
        await asyncio.Event().wait()
        return await super().show_model(name)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_service_in_order_says_so(service: Service, path: str) -> None:
    answer = await service.ask(path=path)

    assert (answer.status, answer.body) == (200, b'{"status":"ok"}')
    assert answer.headers["content-type"] == "application/json"


async def test_without_a_model_server_the_process_lives_and_is_not_ready(
    service: Service, llm: FakeLLM
) -> None:
    llm.failure = GONE

    alive = await service.ask(path="/healthz")
    ready = await service.ask(path="/readyz")

    assert alive.status == 200
    assert ready.status == 503
    assert ready.json == {
        "error": {
            "message": "The model server cannot be reached.",
            "type": "server_error",
            "param": None,
            "code": "upstream_unavailable",
        }
    }


async def test_readiness_comes_back_by_itself(service: Service, llm: FakeLLM) -> None:
    llm.failure = GONE
    before = await service.ask(path="/readyz")
    llm.failure = None
    after = await service.ask(path="/readyz")

    assert (before.status, after.status) == (503, 200)


async def test_a_missing_default_model_is_not_ready(llm: FakeLLM) -> None:
    async with service_of(llm, default_model="nope") as service:
        answer = await service.ask(path="/readyz")

    assert answer.status == 503
    assert answer.json == {
        "error": {
            "message": "The model 'nope' does not exist.",
            "type": "server_error",
            "param": "model",
            "code": "model_not_found",
        }
    }


async def test_a_silent_model_server_is_not_ready() -> None:
    async with service_of(SilentLLM()) as service:
        answer = await service.ask(path="/readyz")

    assert answer.status == 503
    assert answer.json == {
        "error": {
            "message": ("The model server does not answer, or is still loading the default model."),
            "type": "server_error",
            "param": None,
            "code": "upstream_timeout",
        }
    }


async def test_a_dead_model_server_is_left_alone_and_readiness_finds_it_again() -> None:
    dead = streamed(ending=Ending.RESET)
    async with FakeOllama() as ollama, service_of(ollama.url) as service:
        ollama.script(CHAT_PATH, *[dead] * 5)
        failed = [(await service.ask(ASK)).json["error"]["code"] for _ in range(5)]
        refused = await service.ask(ASK)
        asked = len(ollama.asked(CHAT_PATH))
        ollama.script("/api/version", dead)
        unready = await service.ask(path="/readyz")
        ready = await service.ask(path="/readyz")
        answered = await service.ask(ASK)

    assert failed == ["upstream_disconnected"] * 5
    assert asked == 5
    for answer in (refused, unready):
        assert answer.status == 503
        assert answer.json["error"]["code"] == "upstream_circuit_open"
    assert refused.headers["retry-after"] == "1"
    assert (ready.status, answered.status) == (200, 200)
