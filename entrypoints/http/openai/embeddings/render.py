"""The domain's vectors to the wire."""

from __future__ import annotations

import asyncio
import binascii
from typing import TYPE_CHECKING

import msgspec

from domain.embeddings import EmbedResult, Vector, unpack
from entrypoints.http.openai.embeddings import wire

if TYPE_CHECKING:
    from collections.abc import Callable

_encode = msgspec.json.Encoder().encode

# Some milliseconds of encoding, more in the form of numbers; larger answers leave the loop alone.
_AT_ONCE_BYTES = 1024 * 1024


async def embedding_list(result: EmbedResult, model: str, *, base64: bool) -> bytes:
    """Return the list object of a result for the model that was asked for as ``model``."""
    form = _base64 if base64 else _numbers
    size = len(result.vectors) * len(result.vectors[0])
    if size > _AT_ONCE_BYTES:
        return await asyncio.to_thread(_list, result, model, form)
    return _list(result, model, form)


def _list(result: EmbedResult, model: str, form: Callable[[Vector], bytes]) -> bytes:
    tokens = result.prompt_tokens
    bare = _encode(wire.EmbeddingList(data=[], model=model, usage=wire.Usage(tokens, tokens)))
    # One by one, or the numbers of all vectors would be objects at the same time. Of the two
    # brackets the first pair is the data: the model's name, which the client chose, comes later.
    before, _, after = bare.partition(b"[]")
    data = b",".join(
        [
            b'{"object":"embedding","index":%d,"embedding":%b}' % (index, form(vector))
            for index, vector in enumerate(result.vectors)
        ]
    )
    return b"".join((before, b"[", data, b"]", after))


def _numbers(vector: Vector) -> bytes:
    return _encode(unpack(vector))


def _base64(vector: Vector) -> bytes:
    return b'"%b"' % binascii.b2a_base64(vector, newline=False)
