"""What engines send, and what becomes of it."""

from __future__ import annotations

import json
from itertools import count, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.openai_upstream.decoder import ChatDecoder, CompletionDecoder
from domain.chat import ChatResult, FinishReason, TopLogprob, Usage
from domain.errors import (
    InvalidRequestError,
    ServiceError,
    UpstreamError,
    UpstreamProtocolError,
)
from domain.events import ChatEvent, Finished, TextDelta, ToolCallDelta
from domain.tools import ToolCall
from tests.support.fake_engine_answers import DONE, chunk, end, event, text_chunk, usage
from tests.support.streams import fold

FOLDER = Path(__file__).parents[1] / "transcripts" / "engines"
HEL, LO = chunk({"content": "Hel"}), chunk({"content": "lo"})


def decoder(top: int | None = None) -> ChatDecoder:
    ids = count(1)
    return ChatDecoder(lambda: f"ours_{next(ids)}", top)


def batches(decoding: ChatDecoder, *pieces: bytes) -> list[list[ChatEvent]]:
    got: list[list[ChatEvent]] = []
    for piece in pieces:
        got.append([])
        decoding.feed(piece, got[-1])
    if not decoding.finished:
        got.append([])
        decoding.finish(got[-1])
    return [batch for batch in got if batch]


def result(*pieces: bytes, top: int | None = None) -> ChatResult:
    return fold(batches(decoder(top), *pieces))


def recorded(name: str) -> bytes:
    return (FOLDER / f"{name}.sse").read_bytes()


def call(index: int, arguments: str, name: str | None = None, **more: object) -> bytes:
    function = {"name": name, "arguments": arguments}
    return chunk({"tool_calls": [{"index": index, "function": function, **more}]})


@pytest.mark.parametrize("name", [file.stem for file in sorted(FOLDER.glob("*chat*.sse"))])
def test_an_answer_of_each_engine_is_read(name: str) -> None:
    top = 2 if "logprobs" in name else None

    got = result(recorded(name), top=top)

    assert got.content or got.reasoning
    assert got.usage.prompt_tokens > 0
    assert got.usage.completion_tokens > 0
    assert bool(got.reasoning) == ("thinking" in name)
    assert bool(got.logprobs) == bool(top)
    assert all(len(entry.top) == 2 for entry in got.logprobs)


@pytest.mark.parametrize(
    ("name", "top"), [("ollama-completion", None), ("llamacpp-completion-logprobs", 2)]
)
def test_a_completion_of_each_engine_is_read(name: str, top: int | None) -> None:
    got = fold(batches(CompletionDecoder(top), recorded(name)))

    assert got.content
    assert got.usage.prompt_tokens > 0
    assert bool(got.logprobs) == bool(top)


def test_a_call_is_read() -> None:
    got = result(recorded("this-service-tools"))

    assert [(one.name, one.arguments) for one in got.tool_calls] == [
        ("get_weather", '{"city":"Rome"}')
    ]
    assert got.finish_reason is FinishReason.TOOL_CALLS


@given(st.sampled_from(sorted(FOLDER.glob("*chat.sse"))), st.lists(st.integers(0, 3000)))
def test_how_bytes_are_cut_does_not_matter(file: Path, cuts: list[int]) -> None:
    data = file.read_bytes()
    places = sorted(place for place in cuts if place < len(data))

    pieces = [data[start:stop] for start, stop in pairwise([0, *places, len(data)])]

    assert result(*pieces) == result(data)


def test_a_read_with_text_is_one_batch_and_the_rest_makes_none() -> None:
    opening = chunk({"role": "assistant", "content": ""})

    assert batches(decoder(), opening, HEL + LO, end(prompt=7, completion=2)) == [
        [TextDelta("Hel"), TextDelta("lo")],
        [Finished(FinishReason.STOP, Usage(7, 2))],
    ]


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param(usage(7, 2) + chunk({}, finish_reason="stop") + DONE, id="counts first"),
        pytest.param(chunk({}, finish_reason="stop") + usage(7, 2), id="no mark at the end"),
        pytest.param(
            chunk({"content": ""}, finish_reason="stop") + usage(0, 0) + usage(7, 2) + DONE,
            id="counts of zero first",
        ),
        pytest.param(chunk({}, finish_reason="eos_token") + usage(7, 2) + DONE, id="own word"),
        pytest.param(end(prompt=7, completion=2) + b"data: nonsense\n\n", id="words after it"),
    ],
)
def test_an_end_in_any_order_is_an_end(ending: bytes) -> None:
    assert result(HEL, LO, ending) == ChatResult("Hello", FinishReason.STOP, Usage(7, 2))


@pytest.mark.parametrize("tail", [b"", DONE, usage() + DONE], ids=["nothing", "done", "counts"])
def test_an_answer_that_never_says_why_it_ended_is_cut(tail: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as caught:
        result(HEL, tail)

    assert caught.value.code == "upstream_truncated"


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (b'{"error": {"message": "x", "type": "y"}}', UpstreamError, "upstream_error"),
        (b'{"error": "EngineDeadError"}', UpstreamError, "upstream_error"),
        (b'{"choices": [{"delta": 1}]}', UpstreamProtocolError, "upstream_garbage"),
        (b"<html>", UpstreamProtocolError, "upstream_garbage"),
        (b'{"choices": [{"finish_reason": "abort"}]}', UpstreamError, "upstream_error"),
        (
            b'{"error": {"message": "maximum context length is 9 tokens"}}',
            InvalidRequestError,
            "context_length_exceeded",
        ),
        (b'{"choices": [{"text": "\xff"}]}', UpstreamProtocolError, "upstream_garbage"),
        (b'{"a":' * 5000, UpstreamProtocolError, "upstream_garbage"),
    ],
)
def test_a_failure_comes_after_what_came_before_it(
    data: bytes, kind: type[ServiceError], code: str
) -> None:
    decoding = decoder()
    failed = b"data: " + data + b"\n\n"

    came: list[ChatEvent] = []

    with pytest.raises(kind) as caught:
        decoding.feed(HEL + failed, came)

    assert came == [TextDelta("Hel")]
    assert caught.value.code == code
    with pytest.raises(kind):
        decoder().feed(failed, [])


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_thoughts_go_by_two_names(field: str) -> None:
    got = result(chunk({field: "Hm"}), chunk({"content": "", field: "."}), HEL, end(completion=9))

    assert (got.reasoning, got.content) == ("Hm.", "Hel")
    assert got.usage.reasoning_tokens == 2


def test_counts_that_an_engine_gives_are_taken() -> None:
    counts = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    counted = event({"choices": [], "usage": counts})

    got = result(chunk({"reasoning": "Hm"}), HEL, chunk({}, finish_reason="stop"), counted, DONE)

    assert got.usage == Usage(9, 5, cached_tokens=4, reasoning_tokens=3)


def test_calls_come_in_pieces_and_keep_their_ids() -> None:
    got = result(
        call(0, "", "a", id="functions.a:0"),
        call(0, '{"x":'),
        call(0, "1}"),
        call(2, "{}", "b", id="functions.a:0"),
        call(3, "", "c", id=None),
        end("tool_calls"),
    )

    assert got.tool_calls == (
        ToolCall("functions.a:0", "a", '{"x":1}'),
        ToolCall("ours_1", "b", "{}"),
        ToolCall("ours_2", "c", "{}"),
    )
    assert got.finish_reason is FinishReason.TOOL_CALLS


def test_a_call_without_arguments_has_an_empty_object() -> None:
    got = batches(decoder(), call(0, "", "a", id="x"), end("stop"))

    assert got[-1][0] == ToolCallDelta(0, None, None, "{}")
    assert got[-1][1] == Finished(FinishReason.TOOL_CALLS, Usage(26, 6))


@pytest.mark.parametrize("arguments", ["{", "[]", "nonsense", '{"a":1}}'])
def test_a_call_that_is_no_object_is_a_failure(arguments: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        result(call(0, arguments, "a", id="x"), chunk({}, finish_reason="tool_calls"), DONE)

    assert caught.value.code == "tool_call_parse_error"


def test_a_call_that_the_limit_cuts_is_no_failure() -> None:
    got = result(call(0, '{"a', "a", id="x"), end("length"))

    assert got.finish_reason is FinishReason.LENGTH


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((call(0, "{}"),), id="no name"),
        pytest.param((call(0, "{}", "a"), call(1, "{}", "b"), call(0, "{}")), id="back again"),
    ],
)
def test_calls_out_of_order_are_no_answer(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(UpstreamProtocolError):
        result(*pieces, end("tool_calls"))


def test_alternatives_beyond_those_asked_for_are_left_out() -> None:
    entry = {"token": "Hel", "logprob": -0.5, "bytes": None}
    drawn = {"content": [{**entry, "top_logprobs": [entry, entry]}]}

    got = result(chunk({"content": "Hel"}, logprobs=drawn), end(), top=1)

    assert got.logprobs[0].top == (TopLogprob("Hel", -0.5, None),)


def test_log_probabilities_in_parallel_lists_are_read() -> None:
    lists = {
        "tokens": [" Par", "\ufffd"],
        "token_logprobs": [-0.25, -0.5],
        "top_logprobs": [{" the": -2.5, " Par": -0.25, " a": -9}, None],
        "text_offset": [0, 4],
    }
    pieces = (text_chunk(" Par\ufffd", logprobs=lists), text_chunk("", finish_reason="length"))

    got = fold(batches(CompletionDecoder(2), *pieces, usage(), DONE))

    assert [(one.token, one.logprob, one.utf8) for one in got.logprobs] == [
        (" Par", -0.25, b" Par"),
        ("\ufffd", -0.5, None),
    ]
    assert [other.token for other in got.logprobs[0].top] == [" Par", " the"]


@pytest.mark.parametrize("values", [[300], [-1]])
def test_bytes_that_are_none_are_no_answer(values: list[int]) -> None:
    drawn = {"content": [{"token": "a", "logprob": -1, "bytes": values}]}

    with pytest.raises(UpstreamProtocolError):
        result(chunk({"content": "a"}, logprobs=drawn), end(), top=0)


def test_an_engine_that_gives_no_log_probabilities_is_found_out() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        result(HEL, end(), top=0)

    assert caught.value.param == "logprobs"


def test_the_fakes_chunks_are_json() -> None:
    assert json.loads(HEL.removeprefix(b"data: "))["choices"][0]["delta"] == {"content": "Hel"}
