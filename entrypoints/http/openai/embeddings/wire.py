"""The JSON of embeddings (OpenAI's OpenAPI document, CreateEmbedding*)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from entrypoints.http.openai.engine import LoadingFields
from entrypoints.http.openai.inputs import Inputs


class EmbeddingsRequest(LoadingFields, forbid_unknown_fields=True):
    """The body of POST /v1/embeddings: OpenAI's fields, then those for local models."""

    input: Inputs
    model: str | None = None
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    user: str | None = None


class Embedding(Struct, kw_only=True):
    """A vector: numbers, or in base64 the same as little-endian floats of 32 bits."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class Usage(Struct):
    """Tokens."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Struct, kw_only=True):
    """The vectors in the order of the inputs."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: Usage
