"""What Ollama knows of its models."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from adapters.engines import failures
from adapters.engines.decoding import UNREADABLE
from adapters.ollama import requests, wire
from adapters.ollama.errors import status_error
from domain.models import Capability, ModelDetails, ModelSummary, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.ollama.requests import ContextWindows
    from adapters.transport.upstream import Upstream

T = TypeVar("T")

_OK = 200
# Details change only when a model is pulled anew; their answer can be hundreds of kilobytes.
_DETAILS_TTL_S = 60.0
_DETAILS_LIMIT = 256
_KNOWN = frozenset(Capability)


@dataclass(slots=True)
class _Kept:
    """Details and when to ask again, unless the list of models tells that nothing changed."""

    details: ModelDetails
    expires: float
    digest: str | None


class Catalog:
    """Lists, describes and deletes models.

    Details are kept for a minute, and on while a list shows the model with the same digest.
    """

    def __init__(self, upstream: Upstream, windows: ContextWindows) -> None:
        self._upstream = upstream
        self._windows = windows
        self._details: dict[str, _Kept] = {}
        self._digests: dict[str, str] = {}

    async def list(self) -> Sequence[ModelSummary]:
        """Return the installed models, newest first (Ollama `docs/api.md`, GET /api/tags)."""
        status, body = await self._upstream.fetch("GET", "/api/tags")
        if status != _OK:
            raise status_error(status, body, None)
        tags = _decoded(body, wire.Tags).models or []
        self._compare(tags)
        loaded = await self._loaded()
        return [self._summary(tag, loaded) for tag in tags]

    async def show(self, model: str) -> ModelDetails:
        """Return a model's details (Ollama `docs/api.md`, POST /api/show)."""
        kept = self._details.get(model)
        if kept is not None and kept.expires > _now():
            return kept.details
        status, body = await self._upstream.fetch("POST", "/api/show", requests.model(model))
        if status != _OK:
            raise status_error(status, body, model)
        details = _details(model, _decoded(body, wire.ShowAnswer))
        if len(self._details) >= _DETAILS_LIMIT:
            self._details.clear()
        digest = self._digests.get(canonical(model))
        self._details[model] = _Kept(details, _now() + _DETAILS_TTL_S, digest)
        return details

    async def delete(self, model: str) -> None:
        """Remove a model (Ollama `docs/api.md`, DELETE /api/delete)."""
        status, body = await self._upstream.fetch("DELETE", "/api/delete", requests.model(model))
        if status != _OK:
            raise status_error(status, body, model)
        wanted = canonical(model)
        self._details = {n: kept for n, kept in self._details.items() if canonical(n) != wanted}

    async def _loaded(self) -> Mapping[str, int | None] | None:
        """Return the models in memory, each with its context length where that is told.

        None from servers that do not tell (before 0.1.33).
        """
        status, body = await self._upstream.fetch("GET", "/api/ps")
        if status != _OK:
            return None
        running = _decoded(body, wire.RunningModels).models or []
        return {canonical(one.model or one.name): one.context_length for one in running}

    def _summary(self, tag: wire.Tag, loaded: Mapping[str, int | None] | None) -> ModelSummary:
        name = tag.model or tag.name
        made = tag.details or wire.TagDetails()
        return ModelSummary(
            name,
            _unix(tag.modified_at),
            quantization=made.quantization_level or None,
            parameter_size=made.parameter_size or None,
            loaded=None if loaded is None else canonical(name) in loaded,
            context_length=self._windows.of(name) or (loaded or {}).get(canonical(name)),
        )

    def _compare(self, tags: Sequence[wire.Tag]) -> None:
        """Keep the details of models that are what they were, drop those of all others."""
        self._digests = {canonical(tag.model or tag.name): tag.digest for tag in tags}
        expires = _now() + _DETAILS_TTL_S
        for model, kept in list(self._details.items()):
            digest = self._digests.get(canonical(model))
            if digest and kept.digest == digest:
                kept.expires = expires
            elif kept.digest is not None:
                del self._details[model]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except UNREADABLE as error:
        raise failures.unreadable() from error


def _details(model: str, answer: wire.ShowAnswer) -> ModelDetails:
    info = answer.model_info or {}
    family = info.get("general.architecture")
    capabilities = None
    if answer.capabilities is not None:
        capabilities = frozenset(Capability(c) for c in answer.capabilities if c in _KNOWN)
    return ModelDetails(
        model,
        capabilities,
        context_length=_whole(info.get(f"{family}.context_length")),
        embedding_length=_whole(info.get(f"{family}.embedding_length")),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _unix(text: str) -> int:
    try:
        return int(msgspec.convert(text, datetime).timestamp())
    except msgspec.ValidationError:
        return 0
