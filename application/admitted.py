"""A model server that is asked for so much at a time and no more."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Self, TypeVar

from application.figures import Asking, Figures
from domain.errors import OverloadedError, UpstreamError
from domain.events import Finished

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from application.ports.limits import PlacesPort
    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.events import ChatEvent
    from domain.models import ModelDetails, ModelSummary

T = TypeVar("T")

# Between whom the line is fair. The key check sets it; tasks begun since inherit it.
CALLER: ContextVar[str] = ContextVar("caller", default="everyone")


# What is the model server's fault; the rest is the request's.
_FAULTS = (UpstreamError, OverloadedError)


class AdmittedLLM:
    """Waits for a place before whatever makes the server compute, and gives it back after.

    What becomes of it is counted in ``figures``.
    """

    def __init__(self, llm: LLMPort, admission: PlacesPort, figures: Figures) -> None:
        self._llm = llm
        self._admission = admission
        self._figures = figures

    async def stream(self, request: ChatRequest) -> ChatStream:
        asking = Asking(self._figures, "chat", request.model)
        asking.placed(await self._admission.enter(CALLER.get()))
        return await self._opened(self._llm.stream(request), asking)

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        asking = Asking(self._figures, "text_completion", request.model)
        asking.placed(await self._admission.enter(CALLER.get()))
        return await self._opened(self._llm.complete_prompt(request), asking)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        asking = Asking(self._figures, "embeddings", request.model)
        asking.placed(await self._admission.enter(CALLER.get()))
        try:
            result = await self._told(self._llm.embed(request))
        finally:
            self._admission.leave()
        asking.turned(result.prompt_tokens)
        return result

    async def list_models(self) -> Sequence[ModelSummary]:
        return await self._told(self._llm.list_models())

    async def show_model(self, name: str) -> ModelDetails:
        details = await self._told(self._llm.show_model(name))
        self._figures.know(name)
        return details

    async def delete_model(self, name: str) -> None:
        await self._told(self._llm.delete_model(name))

    async def check(self) -> None:
        await self._told(self._llm.check())

    async def aclose(self) -> None:
        await self._llm.aclose()

    async def _told(self, asked: Awaitable[T]) -> T:
        try:
            return await asked
        except _FAULTS as error:
            self._figures.failed(error)
            raise

    async def _opened(self, opening: Awaitable[ChatStream], asking: Asking) -> ChatStream:
        try:
            stream = await opening
        except BaseException as error:
            self._admission.leave()
            if isinstance(error, _FAULTS):
                self._figures.failed(error)
            raise
        # A stream that is open has its first events at hand.
        asking.begun()
        return AdmittedStream(stream, self._admission, self._figures, asking)


class AdmittedStream:
    """An answer that has a place until it is closed."""

    def __init__(
        self, stream: ChatStream, admission: PlacesPort, figures: Figures, asking: Asking
    ) -> None:
        self._stream = stream
        self._admission = admission
        self._figures = figures
        self._asking = asking
        self._placed = True
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        try:
            batch = await anext(self._stream)
        except _FAULTS as error:
            self._ended = True
            self._figures.failed(error)
            raise
        if isinstance(last := batch[-1], Finished):
            self._ended = True
            self._asking.finished(last.usage)
        return batch

    async def aclose(self) -> None:
        if self._placed:
            self._placed = False
            if not self._ended:
                self._figures.abandoned += 1
            # The server first: the next answer must not find this one still there.
            try:
                await self._stream.aclose()
            finally:
                self._admission.leave()
