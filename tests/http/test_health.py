from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.errors import UpstreamUnavailableError
from tests.support.fake_llm import FakeLLM
from tests.support.service import service_of

if TYPE_CHECKING:
    from domain.models import ModelDetails
    from tests.support.service import Service

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
            "message": "The model server does not answer.",
            "type": "server_error",
            "param": None,
            "code": "upstream_timeout",
        }
    }
