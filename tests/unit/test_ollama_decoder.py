from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.ollama.decoder import ChatDecoder
from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.errors import ServiceError, UpstreamError, UpstreamProtocolError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, TextRun, ToolCallDelta
from tests.support.fake_ollama_answers import (
    PROMPT_TOKENS,
    done_line,
    encoded,
    error_line,
    line,
    text_line,
    thinking_line,
    tool_line,
)
from tests.support.fake_system import CountingIds
from tests.support.streams import apart

if TYPE_CHECKING:
    from collections.abc import Sequence

DONE = Finished(FinishReason.STOP, Usage(PROMPT_TOKENS, 2))
TEXTS = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=5,
)


def decoder() -> ChatDecoder:
    ids = CountingIds()
    return ChatDecoder(lambda: ids.new("call_"))


def decoded(*pieces: bytes) -> list[ChatEvent]:
    """Return the events of an answer that comes in these pieces."""
    machine = decoder()
    events: list[ChatEvent] = []
    for piece in pieces:
        machine.feed(piece, events)
    if not machine.finished:
        machine.finish(events)
    return events


def failure(*pieces: bytes) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        decoded(*pieces)
    return caught.value


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    return [data[start:end] for start, end in pairwise([0, *sorted(places), len(data)])]


RICH = (
    thinking_line("Hm 👋")
    + text_line("ü\u2028\x85\x00 </b>")
    + tool_line(("f", {"a": "é\u2029"}), ("g", {}))
    + b" \r\n"
    + done_line(completion=2)
)
RICH_EVENTS = [
    ReasoningDelta("Hm 👋"),
    TextDelta("ü\u2028\x85\x00 </b>"),
    ToolCallDelta(0, "call_1", "f", '{"a":"é\\u2029"}'),
    ToolCallDelta(1, "call_2", "g", "{}"),
    Finished(FinishReason.TOOL_CALLS, Usage(PROMPT_TOKENS, 2, reasoning_tokens=1)),
]


@given(st.lists(st.integers(0, len(RICH))))
def test_any_split_of_the_bytes_gives_the_same_events(places: list[int]) -> None:
    assert decoded(*cut(RICH, places)) == RICH_EVENTS


@given(TEXTS.filter(bool), st.data())
def test_any_text_survives(text: str, data: st.DataObject) -> None:
    raw = text_line(text) + done_line(completion=2)
    places = data.draw(st.lists(st.integers(0, len(raw)), max_size=4))

    assert decoded(*cut(raw, places)) == [TextDelta(text), DONE]


@given(st.lists(TEXTS.filter(bool), min_size=2))
def test_pieces_of_text_that_come_together_are_one_run(texts: list[str]) -> None:
    raw = b"".join(map(text_line, texts)) + done_line(completion=2)

    assert decoded(raw) == [TextRun(texts), DONE]


LINES = st.sampled_from(
    [
        text_line("a"),
        text_line("\u2028\\ "),
        b'{"message":{"content":"\\ud800"},"done":false}\n',
        text_line("b")[:-1] + text_line("c"),
        thinking_line("Hm"),
        tool_line(("f", {"a": 1})),
        error_line("boom"),
        b"no JSON\n",
        b"\xff\n",
        b"{}\n",
        done_line(completion=2),
    ]
)


@given(st.lists(LINES))
def test_lines_read_together_give_what_each_gives_alone(lines: list[bytes]) -> None:
    def outcome(pieces: Sequence[bytes]) -> tuple[list[ChatEvent], bool, str | None]:
        machine = decoder()
        events: list[ChatEvent] = []
        for piece in pieces:
            try:
                machine.feed(piece, events)
            except ServiceError as error:
                return list(apart(events)), machine.finished, error.code
            if machine.finished:
                break
        return list(apart(events)), machine.finished, None

    assert outcome([b"".join(lines)]) == outcome(lines)


@given(TEXTS, st.dictionaries(TEXTS, JSON))
def test_any_tool_call_survives(name: str, arguments: dict[str, Any]) -> None:
    call, finished = decoded(tool_line((name, arguments)), done_line(completion=2))

    assert isinstance(call, ToolCallDelta)
    assert (call.index, call.id, call.name) == (0, "call_1", name)
    assert json.loads(call.arguments) == arguments
    assert finished == Finished(FinishReason.TOOL_CALLS, DONE.usage)


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        pytest.param(rb"\ud800", "\ufffd", id="high alone"),
        pytest.param(rb"\uDC4B!", "\ufffd!", id="low alone"),
        pytest.param(rb"a\ud83d\\b", "a\ufffd\\b", id="high before a backslash"),
        pytest.param(rb"\udc4b\ud83d", "\ufffd\ufffd", id="the wrong way round"),
        pytest.param(rb"\ud83d\ud83d\udc4b", "\ufffd👋", id="high before a pair"),
        pytest.param(rb"\ud800\\ud800", "\ufffd\\ud800", id="beside an escaped backslash"),
        pytest.param(rb"\ud800\\\ud800", "\ufffd\\\ufffd", id="behind an escaped backslash"),
        pytest.param(rb"\ud83d\udc4b", "👋", id="a pair"),
        pytest.param(rb"\u0000\\ud800", "\x00\\ud800", id="none"),
    ],
)
def test_half_a_surrogate_pair_becomes_a_replacement_character(escaped: bytes, text: str) -> None:
    raw = b'{"message":{"content":"%s"},"done":false}\n' % escaped

    assert decoded(raw, done_line(completion=2)) == [TextDelta(text), DONE]


@pytest.mark.parametrize(
    ("more", "before", "after"),
    [
        pytest.param({"thinking": "Hm."}, [ReasoningDelta("Hm.")], [], id="thinking"),
        pytest.param(
            {"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]},
            [],
            [ToolCallDelta(0, "call_1", "f", '{"a":1}')],
            id="call",
        ),
    ],
)
def test_a_line_of_text_may_hold_more(
    more: dict[str, Any], before: list[ChatEvent], after: list[ChatEvent]
) -> None:
    events = decoded(line({"content": "So."} | more), done_line(completion=2))

    assert events[:-1] == [*before, TextDelta("So."), *after]


def test_half_a_surrogate_pair_in_arguments_is_replaced_too() -> None:
    call = rb'{"function":{"name":"f","arguments":{"a":"\ud800"}}}'
    raw = b'{"message":{"tool_calls":[%s]},"done":false}\n' % call

    assert decoded(raw, done_line())[0] == ToolCallDelta(0, "call_1", "f", '{"a":"\\ufffd"}')


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(b'"{}"', id="text"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"1", id="number"),
        pytest.param(b'{"a":"\xff"}', id="invalid UTF-8 in a value"),
        pytest.param(b'{"\xff":1}', id="invalid UTF-8 in a key"),
    ],
)
def test_arguments_that_are_no_object_are_refused(arguments: bytes) -> None:
    call = b'{"function":{"name":"f","arguments":%s}}' % arguments

    error = failure(b'{"message":{"tool_calls":[%s]},"done":false}\n' % call)

    assert type(error) is UpstreamError
    assert error.code == "tool_call_parse_error"


@pytest.mark.parametrize(
    "function", [{"name": "f", "arguments": None}, {"name": "f"}], ids=["null", "absent"]
)
def test_a_call_without_arguments_has_none(function: dict[str, Any]) -> None:
    events = decoded(line({"tool_calls": [{"function": function}]}), done_line())

    assert events[0] == ToolCallDelta(0, "call_1", "f", "{}")


def test_everything_on_the_done_line_counts() -> None:
    last = json.loads(done_line("stop", prompt=9, completion=4))
    last["message"] = {
        "thinking": "t",
        "content": "c",
        "tool_calls": [{"function": {"name": "f", "arguments": {}}}],
    }
    last["prompt_eval_cached_count"] = 5

    assert decoded(encoded(last)) == [
        ReasoningDelta("t"),
        TextDelta("c"),
        ToolCallDelta(0, "call_1", "f", "{}"),
        Finished(FinishReason.TOOL_CALLS, Usage(9, 4, 5, 1)),
    ]


def test_what_follows_the_done_line_is_not_read() -> None:
    assert decoded(done_line(completion=2) + b"rubbish\n" + error_line("x")) == [DONE]


def test_a_done_line_without_a_message_is_an_end() -> None:
    assert decoded(b'{"done":true}') == [Finished(FinishReason.STOP, Usage())]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", FinishReason.TOOL_CALLS),
        ("length", FinishReason.LENGTH),
        ("eos", FinishReason.TOOL_CALLS),
    ],
)
def test_a_limit_counts_more_than_calls(reason: str, expected: FinishReason) -> None:
    *_, finished = decoded(tool_line(("f", {})), done_line(reason))

    assert isinstance(finished, Finished)
    assert finished.reason is expected


def test_log_probabilities_keep_their_bytes() -> None:
    entry = {
        "token": "é",
        "logprob": -0.5,
        "bytes": [195, 169],
        "top_logprobs": [{"token": "", "logprob": -2.0}],
    }

    events = decoded(line({"content": "é"}, logprobs=[entry]), done_line(completion=2))

    top = (TopLogprob("", -2.0, None),)
    assert events == [TextDelta("é", (TokenLogprob("é", -0.5, "é".encode(), top),)), DONE]


def test_log_probabilities_may_come_without_text() -> None:
    events = decoded(
        line({"content": ""}, logprobs=[{"token": "", "logprob": 0}]), done_line(completion=2)
    )

    assert events == [TextDelta("", (TokenLogprob("", 0.0, None),)), DONE]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"message":{"content":"\xff"}}\n', id="invalid UTF-8"),
        pytest.param(b'{"message":' + b"[" * 5000 + b"\n", id="deep"),
        pytest.param(b"{}\n", id="neither message nor end"),
        pytest.param(b'{"message":{"content":1}}\n', id="wrong type"),
        pytest.param(done_line("load"), id="load"),
        pytest.param(done_line("unload"), id="unload"),
        pytest.param(
            line({}, logprobs=[{"token": "a", "logprob": 0, "bytes": [256]}]), id="no byte"
        ),
    ],
)
def test_rubbish_is_no_answer(data: bytes) -> None:
    error = failure(data)

    assert type(error) is UpstreamProtocolError
    assert error.code == "upstream_garbage"


def test_an_error_line_is_a_failure() -> None:
    error = failure(text_line("a"), error_line("error parsing tool call: x"))

    assert (type(error), error.code) == (UpstreamError, "tool_call_parse_error")


@pytest.mark.parametrize(
    ("last", "code"),
    [
        pytest.param(error_line("error parsing tool call: x"), "tool_call_parse_error", id="error"),
        pytest.param(b"<html>\n", "upstream_garbage", id="garbage"),
        pytest.param(done_line("load"), "upstream_garbage", id="load"),
    ],
)
def test_what_came_before_a_failure_in_the_same_read_stands(last: bytes, code: str) -> None:
    machine, events = decoder(), list[ChatEvent]()

    with pytest.raises(ServiceError) as caught:
        machine.feed(text_line("a") + last + done_line(), events)

    assert events == [TextDelta("a")]
    assert (caught.value.code, machine.finished) == (code, False)


def test_an_end_without_a_message_that_is_none_is_no_end() -> None:
    machine, events = decoder(), list[ChatEvent]()
    data = json.dumps({"message": {"content": "a"}, "done_reason": "load"}).encode() + b"\n"

    with pytest.raises(UpstreamProtocolError):
        machine.feed(data, events)

    assert events == [TextDelta("a")]
    assert machine.finished is False


@pytest.mark.parametrize("end", [b"", b"\n", b'{"message":{"content":"b"},"done":false}'])
def test_a_body_that_ends_before_the_answer_is_a_failure(end: bytes) -> None:
    error = failure(text_line("a"), end)

    assert (type(error), error.code) == (UpstreamProtocolError, "upstream_truncated")
