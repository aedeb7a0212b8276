"""A source of written answers behind LLMPort."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from adapters.scripted import errors
from domain.errors import ServiceError
from domain.events import ChatEvent, Finished
from domain.models import Capability, ModelDetails, ModelSummary, canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.scripted.steps import Source, Steps
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult


class ScriptedLLM:
    """Plays what its source has written."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._models = {canonical(name): model for name, model in source.models.items()}
        self._stopped = asyncio.Event()

    async def stream(self, request: ChatRequest) -> ScriptedChatStream:
        self._demand(request.model)
        return ScriptedChatStream(self._source.chat(request), self._stopped)

    async def complete_prompt(self, request: CompletionRequest) -> ScriptedChatStream:
        self._demand(request.model)
        return ScriptedChatStream(self._source.completion(request), self._stopped)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        _, details = self._demand(request.model)
        if details.lacks(Capability.EMBEDDING):
            raise errors.no_vectors(request.model)
        # Thousands of texts take their time.
        return await asyncio.to_thread(self._source.vectors, request)

    async def list_models(self) -> Sequence[ModelSummary]:
        await self.check()
        return [summary for summary, _ in self._models.values()]

    async def show_model(self, name: str) -> ModelDetails:
        _, details = self._demand(name)
        return replace(details, name=name)

    async def delete_model(self, name: str) -> None:
        """Forget the model until the next start."""
        self._demand(name)
        del self._models[canonical(name)]

    async def check(self) -> None:
        if self._stopped.is_set():
            raise errors.stopping()

    async def aclose(self) -> None:
        self._stopped.set()

    def _demand(self, name: str) -> tuple[ModelSummary, ModelDetails]:
        if self._stopped.is_set():
            raise errors.stopping()
        found = self._models.get(canonical(name))
        if found is None:
            raise errors.model_not_found(name)
        return found


class ScriptedChatStream:
    """One answer; a step is a batch."""

    def __init__(self, steps: Steps, stopped: asyncio.Event) -> None:
        self._steps = deque(steps)
        self._stopped = stopped
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        if self._ended:
            raise StopAsyncIteration
        if not self._steps:
            raise errors.truncated()
        step = self._steps.popleft()
        await self._pause(step.after_s)
        if isinstance(step.what, ServiceError):
            raise step.what
        self._ended = isinstance(step.what[-1], Finished)
        return step.what

    async def aclose(self) -> None:
        self._ended = True

    async def _pause(self, seconds: float) -> None:
        """Let time pass; with none to pass, let others run.

        Raises:
            UpstreamUnavailableError: the service stops.
        """
        if seconds:
            limit = None if seconds == math.inf else seconds
            try:
                await asyncio.wait_for(self._stopped.wait(), limit)
            except TimeoutError:
                return
        else:
            await asyncio.sleep(0)
        if self._stopped.is_set():
            raise errors.stopping()
