"""No wait for a model server is without end, and waiting in line is not waiting for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from application.admission import Admission
from application.admitted import AdmittedLLM
from application.figures import Figures
from application.streaming import Limits
from application.timed import TimedLLM
from domain.chat import ChatRequest
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest
from domain.errors import UpstreamTimeoutError, UpstreamUnavailableError
from domain.messages import Message, Role
from tests.support.fake_llm import FakeLLM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from application.ports.llm import LLMPort
    from domain.embeddings import EmbedResult
    from domain.models import ModelDetails, ModelSummary
    from tests.support.fake_llm import FakeStream

TINY = Limits(first_token_s=0.01, idle_s=0.01, total_s=10)
ASK = ChatRequest("llama3", (Message(Role.USER, "Hi"),))


class Silent(FakeLLM):
    """A server that takes every request and answers none."""

    async def stream(self, request: ChatRequest) -> FakeStream:
        await asyncio.Event().wait()
        return await super().stream(request)

    async def complete_prompt(self, request: CompletionRequest) -> FakeStream:
        await asyncio.Event().wait()
        return await super().complete_prompt(request)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        await asyncio.Event().wait()
        return await super().embed(request)

    async def list_models(self) -> Sequence[ModelSummary]:
        await asyncio.Event().wait()
        return await super().list_models()

    async def show_model(self, name: str) -> ModelDetails:
        await asyncio.Event().wait()
        return await super().show_model(name)

    async def delete_model(self, name: str) -> None:
        await asyncio.Event().wait()
        await super().delete_model(name)

    async def check(self) -> None:
        await asyncio.Event().wait()


ASKING: dict[str, Callable[[LLMPort], Awaitable[object]]] = {
    "stream": lambda llm: llm.stream(ASK),
    "complete": lambda llm: llm.complete_prompt(CompletionRequest("llama3", "Once")),
    "embed": lambda llm: llm.embed(EmbedRequest("embedder", ("Hi",))),
    "list": lambda llm: llm.list_models(),
    "show": lambda llm: llm.show_model("llama3"),
    "delete": lambda llm: llm.delete_model("llama3"),
    "check": lambda llm: llm.check(),
}


@pytest.mark.parametrize("what", ASKING)
async def test_a_silent_server_is_not_waited_for(what: str) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(UpstreamTimeoutError) as caught:
            await ASKING[what](TimedLLM(Silent(), TINY))

    answers = what in ("stream", "complete")
    assert caught.value.code == ("first_token_timeout" if answers else "upstream_timeout")


async def test_waiting_in_line_is_no_waiting_for_a_token() -> None:
    admitted = AdmittedLLM(TimedLLM(FakeLLM(), TINY), Admission(1, 1, wait_s=0.1), Figures())
    first = await admitted.stream(ASK)

    with pytest.raises(UpstreamUnavailableError) as caught:
        await admitted.stream(ASK)
    await first.aclose()

    assert caught.value.code == "queue_timeout"
