"""Texts to vectors by POST /v1/embeddings."""

from __future__ import annotations

import asyncio
import base64
import math
import struct

import msgspec

from adapters.engines import failures
from adapters.engines.decoding import UNREADABLE
from adapters.openai_upstream import wire
from domain.embeddings import COMPONENT_BYTES, EmbedResult, Vector, cut, pack, unpack

# Some milliseconds of decoding; a larger answer would hold up every stream for longer.
_AT_ONCE_BYTES = 512 * 1024
# Engines round; what is further off was never brought to length 1.
_ROUNDED = 1e-3

_decode = msgspec.json.Decoder(wire.EmbedAnswer).decode


async def result(answer: bytes) -> EmbedResult:
    """Return the vectors of an answer in the order of their texts.

    Raises:
        UpstreamProtocolError: it is not what OpenAI documents.
    """
    if len(answer) > _AT_ONCE_BYTES:
        return await asyncio.to_thread(_result, answer)
    return _result(answer)


def _result(answer: bytes) -> EmbedResult:
    try:
        decoded = _decode(answer)
        ordered = sorted(decoded.data, key=lambda entry: entry.index)
        vectors = tuple(_vector(entry.embedding) for entry in ordered)
    except (*UNREADABLE, OverflowError, ValueError) as error:
        raise failures.unreadable() from error
    usage = decoded.usage or wire.Usage()
    return EmbedResult(vectors, usage.prompt_tokens)


def _vector(given: str | list[float]) -> Vector:
    vector = pack(given) if isinstance(given, list) else base64.b64decode(given, validate=True)
    try:
        length = math.hypot(*unpack(vector))
    except struct.error as error:
        message = "half a component"
        raise ValueError(message) from error
    if not math.isfinite(length):
        message = "a component that is no number"
        raise ValueError(message)
    if abs(length - 1) <= _ROUNDED:
        return vector
    return cut(vector, len(vector) // COMPONENT_BYTES)
