"""A model server that gives each caller what its limits allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from application.allowance import VISIT
from domain.errors import ServiceError
from domain.events import Finished, TextRun

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Sequence

    from application.allowance import Tab, Visit
    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.events import ChatEvent
    from domain.models import ModelDetails, ModelSummary

# A rough measure, until the model server says how many there were.
_CHARACTERS_PER_TOKEN = 4


class LimitedLLM:
    """Holds callers with limits to them; others pass.

    It stands around the names of models: what a caller may ask is what it may name.
    """

    def __init__(self, llm: LLMPort) -> None:
        self._llm = llm

    async def stream(self, request: ChatRequest) -> ChatStream:
        visit = VISIT.get()
        if visit is None:
            return await self._llm.stream(request)
        texts = (message.text for message in request.messages)
        tab = await visit.enter(request.model, _estimate(visit, texts))
        return await _opened(self._llm.stream(request), tab)

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        visit = VISIT.get()
        if visit is None:
            return await self._llm.complete_prompt(request)
        texts = (request.prompt, request.suffix or "")
        tab = await visit.enter(request.model, _estimate(visit, texts))
        return await _opened(self._llm.complete_prompt(request), tab)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        visit = VISIT.get()
        if visit is None:
            return await self._llm.embed(request)
        tab = await visit.enter(request.model, _estimate(visit, request.texts))
        try:
            result = await self._llm.embed(request)
            tab.settle(result.prompt_tokens)
        except ServiceError:
            tab.settle(0)
            raise
        finally:
            tab.leave()
        return result

    async def list_models(self) -> Sequence[ModelSummary]:
        models = await self._llm.list_models()
        visit = VISIT.get()
        if visit is None:
            return models
        return [model for model in models if visit.allowance.may_ask(model.name)]

    async def show_model(self, name: str) -> ModelDetails:
        _check(name)
        return await self._llm.show_model(name)

    async def delete_model(self, name: str) -> None:
        _check(name)
        await self._llm.delete_model(name)

    async def check(self) -> None:
        await self._llm.check()

    async def aclose(self) -> None:
        await self._llm.aclose()


class LimitedStream:
    """An answer whose tokens are counted, and that has a place until it is closed."""

    def __init__(self, stream: ChatStream, tab: Tab) -> None:
        self._stream = stream
        self._tab = tab
        self._began = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        try:
            batch = await anext(self._stream)
        except ServiceError:
            if not self._began:
                self._tab.settle(0)
            raise
        self._began = True
        if isinstance(last := batch[-1], Finished):
            self._tab.settle(last.usage.prompt_tokens + last.usage.completion_tokens)
        else:
            self._tab.add(sum(map(_pieces, batch)))
        return batch

    async def aclose(self) -> None:
        # The server first: the next answer must not find this one still there.
        try:
            await self._stream.aclose()
        finally:
            self._tab.leave()


async def _opened(opening: Awaitable[ChatStream], tab: Tab) -> ChatStream:
    try:
        return LimitedStream(await opening, tab)
    except BaseException as error:
        if isinstance(error, ServiceError):
            tab.settle(0)
        tab.leave()
        raise


def _pieces(event: ChatEvent) -> int:
    return len(event.pieces) if isinstance(event, TextRun) else 1


def _check(model: str) -> None:
    visit = VISIT.get()
    if visit is not None:
        visit.allowance.check(model)


def _estimate(visit: Visit, texts: Iterable[str]) -> int:
    """Return about how many tokens a prompt has, where that matters."""
    if visit.allowance.limits.tokens_per_minute is None:
        return 0
    return sum(map(len, texts)) // _CHARACTERS_PER_TOKEN
