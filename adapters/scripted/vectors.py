"""Vectors of texts, always the same ones; texts that share words are near each other."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from domain.embeddings import EmbedRequest, EmbedResult, cut, pack

LENGTH = 64

_WORD = re.compile(r"\w+")
# So much of a vector is the text's own, whatever its words: no two texts have the same.
_OWN = 0.1


def of(request: EmbedRequest) -> EmbedResult:
    """Return the vectors of a request, in its length where it wants a shorter one."""
    length = min(request.dimensions or LENGTH, LENGTH)
    vectors = tuple(cut(pack(_components(text)), length) for text in request.texts)
    return EmbedResult(vectors, sum(max(len(text.split()), 1) for text in request.texts))


def _components(text: str) -> list[float]:
    total = [component * _OWN for component in _of_word(f"\0{text}")]
    for word in _WORD.findall(text.casefold()):
        total = [a + b for a, b in zip(total, _of_word(word), strict=True)]
    return total


@lru_cache(maxsize=4096)
def _of_word(word: str) -> tuple[float, ...]:
    digest = hashlib.shake_128(word.encode("utf-8", "surrogatepass")).digest(LENGTH)
    return tuple((byte - 127.5) / 127.5 for byte in digest)
