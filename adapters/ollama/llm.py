"""Ollama behind LLMPort."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from adapters.ollama import requests
from adapters.ollama.catalog import Catalog
from adapters.ollama.decoder import ChatDecoder, CompletionDecoder
from adapters.ollama.embeddings import Embedder
from adapters.ollama.errors import status_error
from adapters.ollama.requests import ContextWindows
from adapters.transport.answer import AnswerStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.upstream import Upstream
    from application.ports.system import IdPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.models import ModelDetails, ModelSummary

_OK = 200


class OllamaLLM:
    """The models of one Ollama server."""

    def __init__(
        self, upstream: Upstream, ids: IdPort, windows: ContextWindows | None = None
    ) -> None:
        self._upstream = upstream
        self._new_call_id = partial(ids.new, "call_")
        self._windows = windows or ContextWindows()
        self._catalog = Catalog(upstream, self._windows)
        self._embedder = Embedder(upstream, self._windows)

    async def stream(self, request: ChatRequest) -> AnswerStream:
        body = requests.chat(request, self._windows)
        response = await self._upstream.send("POST", "/api/chat", body)
        if response.status != _OK:
            raise status_error(response.status, await response.whole(), request.model, "messages")
        return AnswerStream(response, ChatDecoder(self._new_call_id))

    async def complete_prompt(self, request: CompletionRequest) -> AnswerStream:
        body = requests.generate(request, self._windows)
        response = await self._upstream.send("POST", "/api/generate", body)
        if response.status != _OK:
            raise status_error(response.status, await response.whole(), request.model, "prompt")
        return AnswerStream(response, CompletionDecoder())

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        return await self._embedder.embed(request)

    async def list_models(self) -> Sequence[ModelSummary]:
        return await self._catalog.list()

    async def show_model(self, name: str) -> ModelDetails:
        return await self._catalog.show(name)

    async def delete_model(self, name: str) -> None:
        await self._catalog.delete(name)

    async def check(self) -> None:
        status, body = await self._upstream.probe("/api/version")
        if status != _OK:
            raise status_error(status, body, None)

    async def aclose(self) -> None:
        await self._upstream.aclose()
