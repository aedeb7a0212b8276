"""Texts to vectors by POST /api/embed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from adapters.ollama import requests, wire
from adapters.ollama.errors import status_error
from domain.embeddings import EmbedResult, pack
from domain.errors import UpstreamProtocolError

if TYPE_CHECKING:
    from adapters.ollama.requests import ContextWindows
    from adapters.transport.upstream import Upstream
    from domain.embeddings import EmbedRequest

_OK = 200
# Some milliseconds of decoding; a larger answer would hold up every stream for longer.
_AT_ONCE_BYTES = 512 * 1024

_decode = msgspec.json.Decoder(wire.EmbedAnswer).decode


class Embedder:
    """Asks Ollama for vectors."""

    def __init__(self, upstream: Upstream, windows: ContextWindows) -> None:
        self._upstream = upstream
        self._windows = windows

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """Return the vectors (Ollama `docs/api.md`, POST /api/embed)."""
        body = requests.embed(request, self._windows)
        status, answer = await self._upstream.fetch("POST", "/api/embed", body)
        if status != _OK:
            raise status_error(status, answer, request.model, "input")
        if len(answer) > _AT_ONCE_BYTES:
            return await asyncio.to_thread(_result, answer)
        return _result(answer)


def _result(answer: bytes) -> EmbedResult:
    try:
        decoded = _decode(answer)
        vectors = tuple(map(pack, decoded.embeddings or ()))
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError) as error:
        message = "The model server sent something that is not an answer."
        raise UpstreamProtocolError(message, code="upstream_garbage") from error
    return EmbedResult(vectors, decoded.prompt_eval_count)
