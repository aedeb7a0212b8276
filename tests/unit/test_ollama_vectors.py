"""Answers of /api/embed, compared with what plain Python makes of them."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ollama.vectors import decode
from domain.embeddings import EmbedResult, pack
from domain.errors import UpstreamProtocolError

LARGEST = struct.unpack("<f", bytes.fromhex("ffff7f7f"))[0]
NUMBERS = st.floats(-LARGEST, LARGEST) | st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def batches(draw: st.DrawFn) -> list[list[float | int]]:
    width = draw(st.integers(1, 9))
    row = st.lists(NUMBERS | st.integers(-(2**63), 2**64 - 1), min_size=width, max_size=width)
    return draw(st.lists(row, max_size=9))


@given(
    batches(),
    st.text() | st.just('"embeddings":[[1]]'),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t:\r\n")]),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_vectors_are_what_plain_python_makes_of_the_answer(
    rows: list[list[float]],
    model: str,
    separators: tuple[str, str],
    indent: int | None,
    last: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    around = {"model": model, "prompt_eval_count": 7}
    body: dict[str, Any] = {"embeddings": rows} | around if last else around | {"embeddings": rows}
    answer = json.dumps(body, separators=separators, indent=indent).encode()
    expected = tuple(pack([float(number) for number in row]) for row in rows)

    assert decode(answer) == EmbedResult(expected, 7)


@pytest.mark.parametrize(
    "answer", [b"{}", b'{"embeddings":null}', b'{"embeddings":[]}'], ids=["none", "null", "empty"]
)
def test_an_answer_without_vectors_has_none(answer: bytes) -> None:
    assert decode(answer) == EmbedResult((), 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "nonsense",
        '{"embeddings":[[1]]',
        '{"embeddings":1}',
        '{"embeddings":[1]}',
        '{"embeddings":[[]]}',
        '{"embeddings":[[1],[2,3]]}',
        f'{{"embeddings":[{[1] * 8},{[1] * 4},{[1] * 12}]}}',
        '{"embeddings":[[1],2]}',
        '{"embeddings":[["1"]]}',
        '{"embeddings":[[null]]}',
        '{"embeddings":[[true]]}',
        '{"embeddings":[[1e39]]}',
        '{"embeddings":[[1e999]]}',
        '{"embeddings":[[1,[2,3]]]}',
        '{"embeddings":[[1]],"prompt_eval_count":"1"}',
        '{"embeddings":[["\xff"]]}',
    ],
)
def test_what_holds_no_vectors_is_no_answer(text: str) -> None:
    with pytest.raises(UpstreamProtocolError) as caught:
        decode(text.encode("latin-1"))

    assert caught.value.code == "upstream_garbage"
