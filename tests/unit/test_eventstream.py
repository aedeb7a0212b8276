"""Server-sent events, however they are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.transport.eventstream import EventStream
from domain.errors import UpstreamProtocolError


def data_of(*pieces: bytes) -> list[bytes]:
    stream = EventStream()
    fed = [event for piece in pieces for event in stream.feed(piece)]
    return fed + stream.finish()


LINES = st.binary(min_size=1).filter(lambda line: not {10, 13} & set(line) and line[0] != 32)


@given(
    st.lists(st.lists(LINES, min_size=1, max_size=3), max_size=8),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 400)),
    st.booleans(),
)
def test_events_survive_any_split(
    events: list[list[bytes]],
    ending: bytes,
    cuts: list[int],
    noisy: bool,  # noqa: FBT001 - drawn
) -> None:
    noise = b": ping" + ending + b"event: x" + ending + b"id:1" + ending if noisy else b""
    wire = b"".join(
        noise + b"".join(b"data: " + line + ending for line in lines) + ending for lines in events
    )
    places = sorted(place for place in cuts if place < len(wire))

    pieces = [wire[start:end] for start, end in pairwise([0, *places, len(wire)])]

    assert data_of(*pieces) == [b"\n".join(lines) for lines in events]


def test_a_line_feed_belongs_to_its_return_though_nothing_comes_between() -> None:
    assert data_of(b"data: a\r", b"", b"\ndata: b\r\n\r\n") == [b"a\nb"]


def test_one_space_after_the_colon_is_not_data() -> None:
    assert data_of(b"data:a\n\ndata:  b\n\n") == [b"a", b" b"]


def test_lines_of_one_event_may_end_in_different_ways() -> None:
    assert data_of(b"data: a\n", b"\ndata: b\r\n\r\ndata: c\r", b"\r") == [b"a", b"b", b"c"]


def test_comments_and_other_fields_are_no_events() -> None:
    assert data_of(b": ping\n\nevent: error\n\nretry: 1\n\n\n\n") == []


def test_an_event_that_the_end_cuts_is_given_all_the_same() -> None:
    assert data_of(b"data: a\n\ndata: b") == [b"a", b"b"]


def test_an_event_over_the_limit_is_refused_before_its_end() -> None:
    for piece in (b"data: 0123456789", b"data: 012345\ndata: 012345\n"):
        stream = EventStream(limit_bytes=10)

        with pytest.raises(UpstreamProtocolError, match="too long"):
            stream.feed(piece)


def test_events_without_end_stay_under_the_limit() -> None:
    stream = EventStream(limit_bytes=10)

    fed = [stream.feed(b"data: 0\n\ndata: 0123") for _ in range(10)]

    assert fed == [[b"0"]] + [[b"0123data: 0"]] * 9


def test_pings_without_end_stay_under_the_limit() -> None:
    stream = EventStream(limit_bytes=10)

    assert [stream.feed(b": ping\n\n") for _ in range(10)] == [[]] * 10
    assert stream.feed(b"data: 01234\n\n") == [b"01234"]
