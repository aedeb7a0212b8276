"""Legacy completions on the wire: inputs, log probabilities, records of a stream."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from application.generation import Generation
from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.errors import InvalidRequestError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta
from entrypoints.http.errors import envelope
from entrypoints.http.openai.completions.logprobs import LegacyLogprobs
from entrypoints.http.openai.completions.stream import CompletionSSEEncoder
from entrypoints.http.openai.inputs import Inputs, entries

GENERATION = Generation("cmpl-1", 1_700_000_000, "\x00text\x00")
END = Finished(FinishReason.STOP, Usage(3, 2))


def encoder(n: int = 1, total: int = 1, *, with_usage: bool = False) -> CompletionSSEEncoder:
    return CompletionSSEEncoder(GENERATION, n, total, with_usage=with_usage)


def records(data: bytes) -> list[Any]:
    texts = [line.removeprefix("data: ") for line in data.decode().split("\n\n") if line]
    return [text if text == "[DONE]" else json.loads(text) for text in texts]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('"a"', ["a"]),
        ('["a","b"]', ["a", "b"]),
        ("[1,2]", [[1, 2]]),
        ("[[1],[2,3]]", [[1], [2, 3]]),
    ],
)
def test_inputs_come_in_four_forms(given: str, expected: list[Any]) -> None:
    inputs = msgspec.json.decode(given, type=Inputs)

    assert entries(inputs, "input", most=2, may_be_empty=False) == expected


@pytest.mark.parametrize(
    ("given", "code", "param"),
    [
        ([], "empty_array", "input"),
        ("", "empty_string", "input"),
        (["a", ""], "empty_string", "input[1]"),
        ([[1], []], "empty_array", "input[1]"),
        (["a", 1], "invalid_type", "input"),
        ([[1], "a"], "invalid_type", "input"),
        (["a", "b", "c"], "array_above_max_length", "input"),
    ],
)
def test_other_inputs_are_refused(given: Inputs, code: str, param: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        entries(given, "input", most=2, may_be_empty=False)

    assert (caught.value.code, caught.value.param) == (code, param)


def test_prompts_may_be_empty() -> None:
    assert entries(["", "a"], "prompt", most=2, may_be_empty=True) == ["", "a"]
    assert entries([[]], "prompt", most=2, may_be_empty=True) == [[]]


def test_log_probabilities_stand_side_by_side() -> None:
    tops = (TopLogprob("wör", -0.5, "wör".encode()), TopLogprob("x", -2.0, b"x"))
    render = LegacyLogprobs()

    first = render.render([TokenLogprob("wör", -0.5, "wör".encode(), tops)])
    second = render.render([TokenLogprob("ld", -1.5, None)])

    assert msgspec.to_builtins(first) == {
        "tokens": ["wör"],
        "token_logprobs": [-0.5],
        "top_logprobs": [{"wör": -0.5, "x": -2.0}],
        "text_offset": [0],
    }
    assert (second.text_offset, second.top_logprobs) == ([3], [{"ld": -1.5}])


def test_half_a_character_is_shown_as_bytes_and_counted_once() -> None:
    wave = "👋".encode()
    entry = [
        TokenLogprob("\ufffd", -1.0, wave[:2]),
        TokenLogprob("\ufffd", -1.0, wave[2:]),
        TokenLogprob("!", -1.0, b"!"),
    ]

    rendered = LegacyLogprobs().render(entry)

    assert rendered.tokens == ["bytes:\\xf0\\x9f", "bytes:\\x91\\x8b", "!"]
    assert rendered.text_offset == [0, 0, 1]


def test_every_record_has_the_form_of_a_completion() -> None:
    got = records(encoder().feed(0, [TextDelta("<&>\u2028"), END]))

    whole = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 1_700_000_000,
        "model": "\x00text\x00",
        "system_fingerprint": "fp_local",
    }
    assert got == [
        whole
        | {"choices": [{"text": "<&>\u2028", "index": 0, "logprobs": None, "finish_reason": None}]},
        whole | {"choices": [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]},
        "[DONE]",
    ]


def test_the_fast_path_writes_what_the_plain_one_writes() -> None:
    plain = TokenLogprob("a", -1.0, b"a")

    fast = encoder(with_usage=True).feed(0, [TextDelta('"a"\n')])
    slow = encoder(with_usage=True).feed(0, [TextDelta('"a"\n', (plain,))])

    rendered = b'"logprobs":' + msgspec.json.encode(LegacyLogprobs().render([plain]))
    assert slow.replace(rendered, b'"logprobs":null') == fast


def test_usage_comes_once_and_counts_each_prompt_once() -> None:
    encode = encoder(2, 4, with_usage=True)
    batches: list[list[ChatEvent]] = [[TextDelta("a"), END]] * 4

    got = records(b"".join(encode.feed(index, batches[index]) for index in (3, 0, 2, 1)))

    assert [record["usage"] for record in got[:-2]] == [None] * 8
    assert (got[-2]["choices"], got[-2]["usage"]) == (
        [],
        {"prompt_tokens": 6, "completion_tokens": 8, "total_tokens": 14},
    )
    assert got[-1] == "[DONE]"


def test_what_a_prompt_does_not_bring_is_left_out() -> None:
    assert encoder().feed(0, [ReasoningDelta("Hm.")]) == b""


def test_a_failure_is_a_record_and_no_end() -> None:
    shown = envelope(InvalidRequestError("no"))

    assert encoder().fail(shown) == b"data: " + shown.body + b"\nevent: error\n\n"
