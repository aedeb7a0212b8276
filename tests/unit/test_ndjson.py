from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.transport.ndjson import LineSplitter, split
from domain.errors import UpstreamProtocolError


def lines_of(*pieces: bytes) -> list[bytes]:
    splitter = LineSplitter()
    fed = [line for piece in pieces for line in split(splitter.feed(piece))]
    return fed + split(splitter.finish())


@given(
    st.lists(st.binary(min_size=1).filter(lambda b: b"\n" not in b and not b.isspace())),
    st.lists(st.integers(0, 200)),
    st.booleans(),
)
def test_lines_survive_any_split(lines: list[bytes], cuts: list[int], ended: bool) -> None:  # noqa: FBT001 - drawn
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    places = sorted(place for place in cuts if place < len(data))

    pieces = [data[start:end] for start, end in pairwise([0, *places, len(data)])]

    assert lines_of(*pieces) == lines


def test_only_the_byte_for_a_line_feed_ends_a_line() -> None:
    text = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\r".encode()

    assert lines_of(text + b"\nx") == [text, b"x"]


def test_blank_lines_are_left_out() -> None:
    assert lines_of(b"\n \n\r\na\n", b"\t\n", b" ") == [b"a"]


def test_nothing_comes_of_nothing() -> None:
    assert lines_of(b"") == []


def test_a_line_over_the_limit_is_refused_before_its_end() -> None:
    splitter = LineSplitter(limit_bytes=10)

    splitter.feed(b"0123456789\n01234")
    splitter.feed(b"56789")
    with pytest.raises(UpstreamProtocolError, match="too long") as caught:
        splitter.feed(b"0")
    assert caught.value.code == "upstream_too_large"


def test_many_short_lines_stay_under_the_limit() -> None:
    splitter = LineSplitter(limit_bytes=10)

    assert [splitter.feed(b"5\n01234") for _ in range(10)][1:] == [b"012345\n"] * 9
    assert splitter.finish() == b"01234"
