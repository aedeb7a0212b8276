"""Texts to vectors by POST /api/embed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from adapters.ollama import requests
from adapters.ollama.errors import status_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.ollama.requests import ContextWindows
    from adapters.transport.upstream import Upstream
    from domain.embeddings import EmbedRequest, EmbedResult

_OK = 200


class Embedder:
    """Asks Ollama for vectors."""

    def __init__(self, upstream: Upstream, windows: ContextWindows) -> None:
        self._upstream = upstream
        self._windows = windows
        self._decode: Callable[[bytes], EmbedResult] | None = None

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        """Return the vectors (Ollama `docs/api.md`, POST /api/embed)."""
        body = requests.embed(request, self._windows)
        (status, answer), decode = await asyncio.gather(
            self._upstream.fetch("POST", "/api/embed", body), self._decoder()
        )
        if status != _OK:
            raise status_error(status, answer, request.model, "input")
        return decode(answer)

    async def _decoder(self) -> Callable[[bytes], EmbedResult]:
        """Load what makes vectors, once, while the model server works."""
        if self._decode is None:
            self._decode = await asyncio.to_thread(_load)
        return self._decode


def _load() -> Callable[[bytes], EmbedResult]:
    from adapters.ollama.vectors import decode  # noqa: PLC0415 - takes long, and not all need it

    return decode
