"""An engine that speaks OpenAI's API behind LLMPort."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from adapters.openai_upstream import catalog, embeddings, requests
from adapters.openai_upstream.catalog import Catalog
from adapters.openai_upstream.decoder import ChatDecoder, CompletionDecoder
from adapters.openai_upstream.errors import status_error
from adapters.transport.answer import AnswerStream
from domain.errors import InvalidRequestError
from domain.models import Capability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.upstream import Upstream
    from application.ports.system import IdPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.models import ModelDetails, ModelSummary

_OK = 200
_CHAT = "/v1/chat/completions"
_COMPLETIONS = "/v1/completions"
_EMBEDDINGS = "/v1/embeddings"


class OpenAILLM:
    """The models of one engine: vLLM, SGLang, llama.cpp's server, Ray Serve, this service."""

    def __init__(self, upstream: Upstream, ids: IdPort) -> None:
        self._upstream = upstream
        self._new_call_id = partial(ids.new, "call_")
        self._catalog = Catalog(upstream)

    async def stream(self, request: ChatRequest) -> AnswerStream:
        body = requests.chat(request, await self._catalog.spelt(request.model))
        response = await self._upstream.send("POST", _CHAT, body)
        if response.status != _OK:
            raise status_error(response.status, await response.whole(), request.model, "messages")
        return AnswerStream(response, ChatDecoder(self._new_call_id, request.top_logprobs))

    async def complete_prompt(self, request: CompletionRequest) -> AnswerStream:
        if request.suffix is not None:
            await self._demand_insertion(request.model)
        body = requests.completion(request, await self._catalog.spelt(request.model))
        response = await self._upstream.send("POST", _COMPLETIONS, body)
        if response.status != _OK:
            raise status_error(response.status, await response.whole(), request.model, "prompt")
        return AnswerStream(response, CompletionDecoder(request.top_logprobs))

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        body = requests.embedding(request, await self._catalog.spelt(request.model))
        status, answer = await self._upstream.fetch("POST", _EMBEDDINGS, body)
        if status != _OK:
            raise status_error(status, answer, request.model, "input")
        return await embeddings.result(answer)

    async def list_models(self) -> Sequence[ModelSummary]:
        return await self._catalog.list()

    async def show_model(self, name: str) -> ModelDetails:
        return await self._catalog.show(name)

    async def delete_model(self, name: str) -> None:
        await self._catalog.delete(name)

    async def check(self) -> None:
        status, body = await self._upstream.probe(catalog.PATH)
        if status != _OK:
            raise status_error(status, body, None)

    async def aclose(self) -> None:
        await self._upstream.aclose()

    async def _demand_insertion(self, model: str) -> None:
        """Refuse a suffix unless the engine says that the model inserts: some pass over it."""
        if not (await self._catalog.show(model)).has(Capability.INSERT):
            message = "This model server does not say that the model fills in the middle."
            raise InvalidRequestError(message, code="unsupported_parameter", param="suffix")
