"""What an engine tells of its models."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from adapters.engines import failures
from adapters.engines.decoding import UNREADABLE
from adapters.openai_upstream import wire
from adapters.openai_upstream.errors import model_not_found, status_error
from domain.errors import InvalidRequestError
from domain.models import Capability, ModelDetails, ModelSummary, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.transport.upstream import Upstream

PATH = "/v1/models"

_OK = 200
_NO_SUCH_ENDPOINT = frozenset({404, 405, 501})
_TTL_S = 60.0
_KNOWN = frozenset(Capability)

_decode = msgspec.json.Decoder(wire.Models).decode


class Catalog:
    """Lists, describes, names and deletes models; what the engine lists is kept for a minute.

    Some engines answer for any name with the one model that they have, so it is here that a
    name must be one of the list.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._models: Mapping[str, wire.Model] = {}
        self._expires = 0.0

    async def list(self) -> Sequence[ModelSummary]:
        """Return the engine's models, newest first."""
        models = await self._fetch()
        summaries = [
            ModelSummary(model.id, int(model.created or 0), loaded=model.loaded)
            for model in models.values()
        ]
        return sorted(summaries, key=lambda summary: summary.created, reverse=True)

    async def show(self, name: str) -> ModelDetails:
        """Return what is known of a model.

        Raises:
            NotFoundError: the engine does not list it.
            UpstreamError: the engine failed.
        """
        return _details(name, await self._find(name))

    async def spelt(self, name: str) -> str:
        """Return the engine's own spelling of a model's name.

        Raises:
            NotFoundError: the engine does not list it.
            UpstreamError: the engine failed.
        """
        return (await self._find(name)).id

    async def delete(self, name: str) -> None:
        """Remove a model (OpenAI's DELETE /v1/models/{model}).

        Raises:
            InvalidRequestError: the engine cannot.
            NotFoundError: the engine does not list it.
            UpstreamError: the engine failed.
        """
        model = await self._find(name)
        status, body = await self._upstream.fetch("DELETE", f"{PATH}/{quote(model.id)}")
        if status in _NO_SUCH_ENDPOINT:
            message = "This model server does not delete models."
            raise InvalidRequestError(message, code="unsupported_model", param="model")
        if status != _OK:
            raise status_error(status, body, name)
        self._expires = 0.0

    async def _find(self, name: str) -> wire.Model:
        key = canonical(name)
        if key not in self._models or asyncio.get_running_loop().time() >= self._expires:
            await self._fetch()
        model = self._models.get(key)
        if model is None:
            raise model_not_found(name)
        return model

    async def _fetch(self) -> Mapping[str, wire.Model]:
        status, body = await self._upstream.fetch("GET", PATH)
        if status != _OK:
            raise status_error(status, body, None)
        try:
            models = _decode(body).data or []
        except UNREADABLE as error:
            raise failures.unreadable() from error
        self._models = {canonical(model.id): model for model in models}
        self._expires = asyncio.get_running_loop().time() + _TTL_S
        return self._models


def _details(name: str, model: wire.Model) -> ModelDetails:
    meta = model.meta or wire.ModelMeta()
    capabilities = None
    if model.capabilities is not None:
        capabilities = frozenset(Capability(c) for c in model.capabilities if c in _KNOWN)
    return ModelDetails(
        name,
        capabilities,
        context_length=model.max_model_len or model.context_length or meta.n_ctx_train,
        embedding_length=model.embedding_length or meta.n_embd,
    )
