"""A model server that is not waited for without end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from application.streaming import primed
from domain.errors import UpstreamTimeoutError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from application.ports.llm import ChatStream, LLMPort
    from application.streaming import Limits
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.models import ModelDetails, ModelSummary


class TimedLLM:
    """Bounds every wait for a server; what begins has its first events at hand.

    Whoever waits for a place at the server waits outside of this: that has a limit of its own.
    """

    def __init__(self, llm: LLMPort, limits: Limits) -> None:
        self._llm = llm
        self._limits = limits

    async def stream(self, request: ChatRequest) -> ChatStream:
        return await primed(self._llm.stream(request), self._limits)

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        return await primed(self._llm.complete_prompt(request), self._limits)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        # All vectors come at once: the first byte is as good as the last.
        async with _patience(self._limits.first_token_s):
            return await self._llm.embed(request)

    async def list_models(self) -> Sequence[ModelSummary]:
        async with _patience(self._limits.idle_s):
            return await self._llm.list_models()

    async def show_model(self, name: str) -> ModelDetails:
        async with _patience(self._limits.idle_s):
            return await self._llm.show_model(name)

    async def delete_model(self, name: str) -> None:
        async with _patience(self._limits.idle_s):
            await self._llm.delete_model(name)

    async def check(self) -> None:
        async with _patience(self._limits.idle_s):
            await self._llm.check()

    async def aclose(self) -> None:
        await self._llm.aclose()


@asynccontextmanager
async def _patience(seconds: float) -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        message = "The model server did not answer in time."
        raise UpstreamTimeoutError(message, code="upstream_timeout") from error
