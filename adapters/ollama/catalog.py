"""What Ollama knows of its models."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from adapters.ollama import requests, wire
from adapters.ollama.errors import status_error
from domain.errors import UpstreamProtocolError
from domain.models import Capability, ModelDetails, ModelSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.upstream import Upstream

T = TypeVar("T")

_OK = 200
# Details change only when a model is pulled anew; their answer can be hundreds of kilobytes.
_DETAILS_TTL_S = 60.0
_DETAILS_LIMIT = 256
_KNOWN = frozenset(Capability)


class Catalog:
    """Lists and describes models; details are kept for a minute."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._details: dict[str, tuple[float, ModelDetails]] = {}

    async def list(self) -> Sequence[ModelSummary]:
        """Return the installed models, newest first (Ollama `docs/api.md`, GET /api/tags)."""
        status, body = await self._upstream.fetch("GET", "/api/tags")
        if status != _OK:
            raise status_error(status, body, None)
        tags = _decoded(body, wire.Tags).models or []
        return [ModelSummary(tag.model or tag.name, _unix(tag.modified_at)) for tag in tags]

    async def show(self, model: str) -> ModelDetails:
        """Return a model's details (Ollama `docs/api.md`, POST /api/show)."""
        now = asyncio.get_running_loop().time()
        kept = self._details.get(model)
        if kept is not None and kept[0] > now:
            return kept[1]
        status, body = await self._upstream.fetch("POST", "/api/show", requests.show(model))
        if status != _OK:
            raise status_error(status, body, model)
        details = _details(model, _decoded(body, wire.ShowAnswer))
        if len(self._details) >= _DETAILS_LIMIT:
            self._details.clear()
        self._details[model] = (now + _DETAILS_TTL_S, details)
        return details


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = "The model server sent something that is not an answer."
        raise UpstreamProtocolError(message, code="upstream_garbage") from error


def _details(model: str, answer: wire.ShowAnswer) -> ModelDetails:
    info = answer.model_info or {}
    length = info.get(f"{info.get('general.architecture')}.context_length")
    capabilities = None
    if answer.capabilities is not None:
        capabilities = frozenset(Capability(c) for c in answer.capabilities if c in _KNOWN)
    return ModelDetails(
        model,
        capabilities,
        context_length=length if isinstance(length, int) else None,
    )


def _unix(text: str) -> int:
    try:
        return int(msgspec.convert(text, datetime).timestamp())
    except msgspec.ValidationError:
        return 0
