"""Embeddings' wire to the domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.embeddings import EmbedRequest
from entrypoints.http.openai.engine import engine_options

if TYPE_CHECKING:
    from entrypoints.http.openai.embeddings import wire


def to_domain(body: wire.EmbeddingsRequest, model: str, texts: tuple[str, ...]) -> EmbedRequest:
    """Return the request that ``body`` makes for ``texts``, which it may hold as tokens."""
    return EmbedRequest(model, texts, body.dimensions, engine_options(body))
