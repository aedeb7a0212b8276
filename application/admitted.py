"""A model server that is asked for so much at a time and no more."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from application.admission import Admission
    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.events import ChatEvent
    from domain.models import ModelDetails, ModelSummary

# Between whom the line is fair. The key check sets it; tasks begun since inherit it.
CALLER: ContextVar[str] = ContextVar("caller", default="everyone")


class AdmittedLLM:
    """Waits for a place before whatever makes the server compute, and gives it back after."""

    def __init__(self, llm: LLMPort, admission: Admission) -> None:
        self._llm = llm
        self._admission = admission

    async def stream(self, request: ChatRequest) -> ChatStream:
        await self._admission.enter(CALLER.get())
        return await self._opened(self._llm.stream(request))

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        await self._admission.enter(CALLER.get())
        return await self._opened(self._llm.complete_prompt(request))

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        await self._admission.enter(CALLER.get())
        try:
            return await self._llm.embed(request)
        finally:
            self._admission.leave()

    async def list_models(self) -> Sequence[ModelSummary]:
        return await self._llm.list_models()

    async def show_model(self, name: str) -> ModelDetails:
        return await self._llm.show_model(name)

    async def delete_model(self, name: str) -> None:
        await self._llm.delete_model(name)

    async def check(self) -> None:
        await self._llm.check()

    async def aclose(self) -> None:
        await self._llm.aclose()

    async def _opened(self, opening: Awaitable[ChatStream]) -> ChatStream:
        try:
            return AdmittedStream(await opening, self._admission)
        except BaseException:
            self._admission.leave()
            raise


class AdmittedStream:
    """An answer that has a place until it is closed."""

    def __init__(self, stream: ChatStream, admission: Admission) -> None:
        self._stream = stream
        self._admission = admission
        self._placed = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        return await anext(self._stream)

    async def aclose(self) -> None:
        if self._placed:
            self._placed = False
            # The server first: the next answer must not find this one still there.
            try:
                await self._stream.aclose()
            finally:
                self._admission.leave()
