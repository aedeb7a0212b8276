"""Envelopes are read as they come: however they are split, they say the same."""

from __future__ import annotations

import json
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.envelope_reader import EnvelopeReader
from domain.errors import InvalidOutputError
from domain.events import TextDelta, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMES = {"get_weather", "get_time"}
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.text(max_size=4), VALUES)
CALLS: st.SearchStrategy[list[tuple[str, Any]]] = st.lists(
    st.tuples(st.sampled_from(sorted(NAMES)), OBJECTS), min_size=1, max_size=3
)
CUTS = st.lists(st.integers(0, 400), max_size=40)
INDENTS = st.sampled_from([None, 0, 2])


def split(text: str, cuts: Sequence[int]) -> list[str]:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    return [text[start:end] for start, end in pairwise(places)]


def read(pieces: Sequence[str]) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the reply, and the calls by ids, names and arguments."""
    numbers = count()
    reader = EnvelopeReader(NAMES, lambda: f"call_{next(numbers)}")
    reply, calls = "", list[tuple[str, str, str]]()
    for piece in pieces:
        for event in reader.feed(piece):
            if isinstance(event, TextDelta):
                assert event.text
                reply += event.text
                continue
            assert isinstance(event, ToolCallDelta)
            if event.id is not None and event.name is not None:
                calls.append((event.id, event.name, ""))
            id_, name, arguments = calls.pop()
            calls.append((id_, name, arguments + event.arguments))
            assert event.index == len(calls) - 1
    reader.finish()
    assert reader.called == bool(calls)
    return reply, calls


@given(CALLS, CUTS, INDENTS, st.booleans(), st.booleans())
def test_calls_are_the_same_however_they_are_split(
    made: list[tuple[str, Any]],
    cuts: list[int],
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001 - Hypothesis draws it
    turned: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    calls = [{"name": name, "arguments": arguments} for name, arguments in made]
    if turned:
        calls = [dict(reversed(call.items())) for call in calls]
    text = json.dumps({"tool_calls": calls}, indent=indent, ensure_ascii=ascii_only)

    reply, found = read(split(text, cuts))

    assert reply == ""
    assert [(id_, name) for id_, name, _ in found] == [
        (f"call_{number}", name) for number, (name, _) in enumerate(made)
    ]
    assert [json.loads(arguments) for _, _, arguments in found] == [each for _, each in made]
    assert found == read([text])[1]


@given(st.text(), CUTS, st.booleans())
def test_a_reply_of_text_is_that_text(
    reply: str,
    cuts: list[int],
    ascii_only: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    text = json.dumps({"reply": reply}, ensure_ascii=ascii_only)

    assert read(split(text, cuts)) == (reply, [])


@given(VALUES.filter(lambda value: not isinstance(value, str)), CUTS, INDENTS)
def test_another_reply_is_json(reply: Any, cuts: list[int], indent: int | None) -> None:
    text = json.dumps({"reply": reply}, indent=indent)

    said, calls = read(split(text, cuts))

    assert json.loads(said) == reply
    assert calls == []
    assert said == read([text])[0]


@given(st.lists(st.sampled_from([*'{}[]":, \\u0ab', "reply", "tool_calls", "name"])), CUTS)
def test_what_is_refused_is_refused_however_it_is_split(parts: list[str], cuts: list[int]) -> None:
    text = '{"reply":' + "".join(parts) + "}"

    def outcome(pieces: list[str]) -> object:
        try:
            return read(pieces)
        except InvalidOutputError:
            return None

    assert outcome(split(text, cuts)) == outcome([text])


@given(st.text(st.characters(codec=None), max_size=9), CUTS)
def test_halves_of_surrogate_pairs_are_told_as_unreadable(reply: str, cuts: list[int]) -> None:
    text = json.dumps({"reply": reply})

    said, _ = read(split(text, cuts))

    whole = reply.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    assert said == whole


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"replies": "a"}',
        '{"reply": "a"} b',
        '{"reply": "a"',
        '{"reply": "\\x"}',
        '{"reply": "\\u00zz and more"}',
        '{"reply": [1,]}',
        '{"reply": tru}',
        '{"reply": }',
        '{"reply": "a", "tool_calls": []}',
        '{"tool_calls": [{"name": "get_time", "arguments": {]}]}',
        '{"tool_calls": [{"name": "get_time", "arguments": {}, "x": 1}]}',
        '{"tool_calls": [{"name": "get_time", "name": "get_time"}]}',
        '{"tool_calls": [{"arguments": {}, "arguments": {}}]}',
        '{"tool_calls": [{"name": "get_time", "arguments": []}]}',
        '{"tool_calls": [{"name": "\\x", "arguments": {}}]}',
        '{"tool_calls": [{"name": "get_time", "arguments": {}},]}',
    ],
)
def test_what_is_no_envelope_is_refused(text: str) -> None:
    with pytest.raises(InvalidOutputError):
        read([text])


def test_what_comes_after_an_envelope_is_space_or_refused() -> None:
    reader = EnvelopeReader(NAMES, str)

    assert reader.feed('{"reply": "a"}') == [TextDelta("a")]
    assert reader.feed("\n ") == []
    reader.finish()
    with pytest.raises(InvalidOutputError):
        reader.feed("b")
