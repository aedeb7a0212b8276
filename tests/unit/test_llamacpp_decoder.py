"""llama.cpp's chunks to events."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from adapters.llamacpp.decoder import ChatDecoder
from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.errors import InvalidRequestError, UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta

# As the engine sends them; what is not used stands here once.
FRAME = {"created": 1, "id": "chatcmpl-x", "model": "m", "object": "chat.completion.chunk"}


def chunk(delta: dict[str, Any], reason: str | None = None, **more: Any) -> bytes:
    choice = {"finish_reason": reason, "index": 0, "delta": delta} | more
    return msgspec.json.encode({"choices": [choice], **FRAME})


def call(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    named = {key: value for key, value in more.items() if key == "id"}
    function = {key: value for key, value in more.items() if key == "name"}
    return {"index": index, "function": {"arguments": arguments, **function}, **named}


ROLE = chunk({"role": "assistant", "content": None})
USAGE = msgspec.json.encode(
    {
        "choices": [],
        **FRAME,
        "usage": {
            "completion_tokens": 2,
            "prompt_tokens": 31,
            "total_tokens": 33,
            "prompt_tokens_details": {"cached_tokens": 30},
        },
        "timings": {"cache_n": 30},
    }
)
STOP = chunk({}, "stop")
COUNTED = Usage(31, 2, cached_tokens=30)

ANSWER = [ROLE, chunk({"content": "Hel"}), chunk({"content": "lo"}), STOP, USAGE]


def test_an_answer_in_one_piece() -> None:
    decoder = ChatDecoder()

    events = decoder.feed(ANSWER)

    assert events == [TextDelta("Hel"), TextDelta("lo"), Finished(FinishReason.STOP, COUNTED)]
    assert decoder.finished
    decoder.finish()


@pytest.mark.parametrize("cut", range(len(ANSWER) + 1))
def test_an_answer_cut_between_any_two_chunks(cut: int) -> None:
    decoder = ChatDecoder()

    events = decoder.feed(ANSWER[:cut]) + decoder.feed(ANSWER[cut:])

    assert events == ChatDecoder().feed(ANSWER)


@pytest.mark.parametrize("cut", range(len(ANSWER)))
def test_an_answer_that_ends_early_is_a_failure(cut: int) -> None:
    decoder = ChatDecoder()
    decoder.feed(ANSWER[:cut])

    with pytest.raises(UpstreamProtocolError):
        decoder.finish()


@pytest.mark.parametrize("reason", list(FinishReason))
def test_each_reason_to_end(reason: FinishReason) -> None:
    assert ChatDecoder().feed([chunk({}, reason.value), USAGE]) == [Finished(reason, COUNTED)]


def test_word_of_progress_is_no_event() -> None:
    progress = {"total": 9, "cache": 0, "processed": 4, "time_ms": 1}
    data = msgspec.json.encode({**msgspec.json.decode(ROLE), "prompt_progress": progress})

    assert ChatDecoder().feed([data]) == []


def test_thinking_comes_apart_from_the_answer() -> None:
    data = [chunk({"reasoning_content": "Hm."}), chunk({"content": "Yes"})]

    assert ChatDecoder().feed(data) == [ReasoningDelta("Hm."), TextDelta("Yes")]


def test_calls_are_numbered_from_nought_and_named_once() -> None:
    data = [
        chunk({"tool_calls": [call(1, "", id="a", name="f")]}),
        chunk({"tool_calls": [call(1, "{}")]}),
        chunk({"tool_calls": [call(2, "{", id="b", name="g"), call(2, "}")]}),
    ]

    assert ChatDecoder().feed(data) == [
        ToolCallDelta(0, "a", "f", ""),
        ToolCallDelta(0, None, None, "{}"),
        ToolCallDelta(1, "b", "g", "{"),
        ToolCallDelta(1, None, None, "}"),
    ]


def token(text: str, values: list[int], *others: tuple[str, list[int]]) -> dict[str, Any]:
    tops = [{"id": 1, "token": t, "bytes": b, "logprob": -2.0} for t, b in others]
    return {"id": 5, "token": text, "bytes": values, "logprob": -0.5, "top_logprobs": tops}


LOGPROBS = {"content": [token("é", [195, 169], ("é", [195, 169]), ("\ufffd", [240, 159]))]}


def test_log_probabilities_come_with_bytes() -> None:
    data = chunk({"content": "é"}, logprobs=LOGPROBS)

    alternatives = (
        TopLogprob("é", -2.0, b"\xc3\xa9"),
        TopLogprob("\ufffd", -2.0, b"\xf0\x9f"),
    )
    expected = TokenLogprob("é", -0.5, b"\xc3\xa9", alternatives)
    assert ChatDecoder(2).feed([data]) == [TextDelta("é", (expected,))]


@pytest.mark.parametrize("kept", [0, 1])
def test_no_more_alternatives_than_asked_for(kept: int) -> None:
    data = chunk({"content": "é"}, logprobs=LOGPROBS)

    [event] = ChatDecoder(kept).feed([data])

    assert isinstance(event, TextDelta)
    assert len(event.logprobs[0].top) == kept


def test_log_probabilities_without_text_are_kept() -> None:
    data = chunk({"content": ""}, logprobs={"content": [token("\ufffd", [240])]})

    [event] = ChatDecoder(0).feed([data])

    assert event == TextDelta("", (TokenLogprob("\ufffd", -0.5, b"\xf0"),))


def test_an_error_ends_the_stream() -> None:
    data = msgspec.json.encode(
        {
            "error": {
                "code": 400,
                "message": "request (3031 tokens) exceeds the available context size",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 3031,
                "n_ctx": 1024,
            }
        }
    )

    with pytest.raises(InvalidRequestError) as caught:
        ChatDecoder().feed([data])

    assert caught.value.code == "context_length_exceeded"
    assert caught.value.param == "messages"
    assert caught.value.message == (
        "This model's maximum context length is 1024 tokens. "
        "However, your messages resulted in 3031 tokens. "
        "Shorten it, or give the embedded engine a longer context (EMBEDDED_CONTEXT)."
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut"),
        pytest.param(b'{"choices":[{"delta":{"content":"\xff"}}]}', id="no UTF-8"),
        pytest.param(b'{"choices":[{"delta":{"content":1}}]}', id="number for text"),
        pytest.param(chunk({}, "weather"), id="unknown reason"),
        pytest.param(chunk({"tool_calls": [call(0, "{}")]}), id="call without a name"),
        pytest.param(
            chunk({"content": "a"}, logprobs={"content": [token("a", [999])]}), id="no byte"
        ),
    ],
)
def test_what_is_no_chunk_is_a_failure(data: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        ChatDecoder(1).feed([data])
