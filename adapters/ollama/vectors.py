"""Answers of /api/embed to vectors.

Apart from the rest because it loads numpy, which takes a tenth of a second and nothing else needs.
As objects of Python the numbers of 2,048 vectors take 60 ms to make and to pack; this takes 20.
"""

from __future__ import annotations

import re

import numpy as np
import simdjson

from domain.embeddings import EmbedResult, Vector
from domain.errors import UpstreamProtocolError

# In JSON these bytes are a key wherever they stand: within a string the quote would be escaped.
_OPENING = re.compile(rb'"embeddings"[ \t\r\n]*:[ \t\r\n]*\[')


def decode(answer: bytes, *, decimal: bool) -> EmbedResult:
    """Return the vectors, as text where ``decimal``.

    Raises:
        UpstreamProtocolError: this is no answer, or its vectors are not equally long.
    """
    try:
        whole = simdjson.Parser().parse(answer)
    except ValueError as error:
        raise _garbage() from error
    if not isinstance(whole, simdjson.Object):
        raise _garbage()
    rows, tokens = whole.get("embeddings"), whole.get("prompt_eval_count", 0)
    if not isinstance(tokens, int):
        raise _garbage()
    if rows is None:
        return EmbedResult((), tokens)
    if not isinstance(rows, simdjson.Array):
        raise _garbage()
    packed = _packed(rows)
    if not decimal:
        return EmbedResult(packed, tokens)
    return EmbedResult(_written(answer, len(packed)), tokens, decimal=True)


def _packed(rows: simdjson.Array) -> tuple[Vector, ...]:
    widths = {len(row) if isinstance(row, simdjson.Array) else 0 for row in rows}
    if not widths:
        return ()
    try:
        doubles = np.frombuffer(rows.as_buffer(of_type="d"), np.float64)
    except (TypeError, ValueError) as error:
        raise _garbage() from error
    with np.errstate(over="ignore"):
        floats = doubles.astype("<f4")
    if len(widths) > 1 or not floats.size or not np.isfinite(floats).all():
        raise _garbage()
    size = widths.pop() * floats.itemsize
    data = floats.tobytes()
    if len(data) != size * len(rows):
        raise _garbage()
    return tuple([data[start : start + size] for start in range(0, len(data), size)])


def _written(answer: bytes, count: int) -> tuple[Vector, ...]:
    """Return the numbers as they are written; that they are numbers is known."""
    opening = _OPENING.search(answer)
    if opening is None:
        raise _garbage()
    *pieces, rest = answer[opening.end() :].split(b"]", count)
    parts = [piece.rpartition(b"[") for piece in pieces]
    # Brackets anywhere else are another object's, or lists within vectors.
    odd = any(before.strip(b", \t\r\n") for before, _, _ in parts)
    if len(parts) != count or odd or not rest.lstrip().startswith(b"]"):
        raise _garbage()
    return tuple([numbers for _, _, numbers in parts])


def _garbage() -> UpstreamProtocolError:
    message = "The model server sent something that is not an answer."
    return UpstreamProtocolError(message, code="upstream_garbage")
