from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.itemise import Itemiser
from application.response_events import (
    Began,
    Ended,
    ItemAdded,
    ItemDone,
    ResponseEvent,
    TextAdded,
)
from application.response_stream import AnsweredStream
from domain import errors as domain_errors
from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.conversation import ResponseStatus, StoredResponse
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.items import AnswerText, Item, ItemStatus, MessageItem, ReasoningItem
from domain.messages import Role
from entrypoints.http import errors
from entrypoints.http.openai.responses.sse import ResponseSSEEncoder, SimpleSSEEncoder
from entrypoints.http.openai.responses.stream import Record, ResponseEncoder
from tests.support.fake_llm import FakeStream, Step
from tests.support.fake_system import CountingIds
from tests.support.response_streams import faults, read

if TYPE_CHECKING:
    from collections.abc import Sequence

BEGUN = StoredResponse("resp_1", 7, "llama3", ResponseStatus.IN_PROGRESS, b'{"store":true}')
ENDED = StoredResponse("resp_1", 7, "llama3", ResponseStatus.COMPLETED, b'{"store":true}')
FAILURES = (
    domain_errors.UpstreamProtocolError("It broke.", code="upstream_truncated"),
    domain_errors.UpstreamTimeoutError("Too slow."),
    domain_errors.OverloadedError("Busy."),
    domain_errors.InvalidRequestError("Too long."),
    domain_errors.InvalidOutputError("Not JSON."),
    domain_errors.StoreError("Full."),
    RuntimeError("a bug"),
)


def message(text: str, *logprobs: TokenLogprob) -> MessageItem:
    return MessageItem("msg_1", Role.ASSISTANT, (AnswerText(text, logprobs),))


def shown(error: Exception) -> errors.Envelope:
    return errors.envelope(error)


def decoded(records: Sequence[Record]) -> list[Any]:
    return [json.loads(record.data) for record in records]


texts = st.text(min_size=1, max_size=6)
pieces: st.SearchStrategy[Sequence[ChatEvent]] = st.one_of(
    texts.map(lambda text: [TextDelta(text)]),
    texts.map(lambda text: [TextDelta(text, (TokenLogprob(text, -0.5, None),))]),
    texts.map(lambda text: [ReasoningDelta(text)]),
    st.tuples(st.sampled_from(["f", "sh"]), st.lists(texts, max_size=3)).map(
        lambda call: [
            ToolCallDelta(0, "call_1", call[0], ""),
            *(ToolCallDelta(0, None, None, text) for text in call[1]),
        ]
    ),
)


@st.composite
def scripts(draw: st.DrawFn) -> list[Step]:
    """Draw an answer in batches that may fail at any point."""
    body = [event for piece in draw(st.lists(pieces, max_size=6)) for event in piece]
    events = [*body, Finished(draw(st.sampled_from(FinishReason)), Usage(3, 2))]
    cuts = sorted(draw(st.sets(st.integers(1, len(events)), max_size=4)) | {len(events)})
    starts = [0, *cuts[:-1]]
    steps: list[Step] = [events[a:b] for a, b in zip(starts, cuts, strict=True)]
    failure = draw(st.none() | st.sampled_from(FAILURES))
    if failure is not None:
        steps[draw(st.integers(0, len(steps))) :] = [failure]
    return steps


async def played(steps: Sequence[Step], end_failure: Exception | None) -> bytes:
    """Return what a client gets, as ``SSEReply`` drives the encoder."""
    encoder = ResponseSSEEncoder(ResponseEncoder(BEGUN))

    async def end(items: Sequence[Item], last: Finished) -> StoredResponse:
        if end_failure is not None:
            raise end_failure
        status = (
            ResponseStatus.INCOMPLETE
            if last.reason is FinishReason.LENGTH
            else ResponseStatus.COMPLETED
        )
        return StoredResponse("resp_1", 7, "llama3", status, b'{"a":1}', output=tuple(items))

    itemiser = Itemiser(CountingIds().new, {"sh"})
    stream = AnsweredStream(BEGUN, FakeStream(steps, None), itemiser, end)
    out = b""
    try:
        async for batch in stream:
            out += encoder.feed(0, batch)
    except Exception as error:  # noqa: BLE001 - as SSEReply does
        out += encoder.fail(shown(error))
    return out


@settings(max_examples=200, deadline=None)
@given(scripts(), st.none() | st.sampled_from(FAILURES))
def test_whatever_fails_a_stream_has_one_end_and_no_gap(
    steps: list[Step], end_failure: Exception | None
) -> None:
    body = asyncio.run(played(steps, end_failure))

    records = read(body)
    assert faults(records) == []
    assert body.endswith(b"data: [DONE]\n\n")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_the_short_cut_for_text_gives_what_the_structs_give(text: str) -> None:
    def delta(logprobs: tuple[TokenLogprob, ...]) -> Any:
        encoder = ResponseEncoder(BEGUN)
        empty = MessageItem("msg_\u2028", Role.ASSISTANT, (), ItemStatus.IN_PROGRESS)
        encoder.feed([Began(BEGUN), ItemAdded(3, empty)])
        (record,) = encoder.feed([TextAdded(3, (text,), logprobs)])
        return json.loads(record.data)

    plain, full = delta(()), delta((TokenLogprob("x", -1, None),))

    assert plain == full | {"logprobs": []}
    assert list(plain) == list(full)


def test_log_probabilities_are_in_deltas_and_parts() -> None:
    drawn = TokenLogprob("é", -0.5, None, (TopLogprob("e", -1.5, b"e"),))
    encoder = ResponseEncoder(BEGUN)
    empty = MessageItem("msg_1", Role.ASSISTANT, (), ItemStatus.IN_PROGRESS)

    records = encoder.feed(
        [ItemAdded(0, empty), TextAdded(0, ("é",), (drawn,)), ItemDone(0, message("é", drawn))]
    )

    entry = {
        "token": "é",
        "logprob": -0.5,
        "bytes": [195, 169],
        "top_logprobs": [{"token": "e", "logprob": -1.5, "bytes": [101]}],
    }
    _, _, delta, done, part, item = decoded(records)
    assert delta["logprobs"] == done["logprobs"] == part["part"]["logprobs"] == [entry]
    assert item["item"]["content"][0]["logprobs"] == [entry]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(FAILURES[0], {"code": "server_error", "message": "It broke."}, id="upstream"),
        pytest.param(
            FAILURES[2], {"code": "rate_limit_exceeded", "message": "Busy."}, id="overload"
        ),
        pytest.param(FAILURES[3], {"code": "invalid_prompt", "message": "Too long."}, id="request"),
        pytest.param(
            FAILURES[6],
            {
                "code": "server_error",
                "message": "The server failed; the request id finds the reason in its log.",
            },
            id="a bug",
        ),
    ],
)
def test_a_failure_is_told_in_the_response(error: Exception, expected: dict[str, str]) -> None:
    records = decoded(ResponseEncoder(BEGUN).fail(shown(error)))

    assert [r["type"] for r in records] == [
        "response.created",
        "response.in_progress",
        "response.failed",
    ]
    assert records[-1]["response"]["error"] == expected | {"type": "server_error"}
    assert records[-1]["response"]["status"] == "failed"


def test_a_failed_response_has_the_items_that_were_done() -> None:
    encoder = ResponseEncoder(BEGUN)
    empty = ReasoningItem("rs_1", (), status=ItemStatus.IN_PROGRESS)
    encoder.feed([Began(BEGUN), ItemAdded(0, empty), ItemDone(0, ReasoningItem("rs_1", ("Hm",)))])
    encoder.feed([ItemAdded(1, MessageItem("msg_1", Role.ASSISTANT, ()))])

    (failed,) = decoded(encoder.fail(shown(FAILURES[0])))

    assert [item["id"] for item in failed["response"]["output"]] == ["rs_1"]


def test_nothing_comes_after_the_end() -> None:
    encoder = ResponseSSEEncoder(ResponseEncoder(BEGUN))
    late: list[ResponseEvent] = [TextAdded(0, ("late",))]

    assert encoder.feed(0, [Began(BEGUN), Ended(ENDED), *late]).count(b"late") == 0
    assert encoder.feed(0, late) == b""
    assert encoder.fail(shown(FAILURES[0])) == b""


def test_encrypted_thoughts_come_with_done_items_and_the_response() -> None:
    encoder = ResponseEncoder(BEGUN, encrypted=True)
    empty = ReasoningItem("rs_1", (), status=ItemStatus.IN_PROGRESS)
    done = ReasoningItem("rs_1", ("Hm",))

    records = decoded(encoder.feed([ItemAdded(0, empty), ItemDone(0, done)]))
    failed = decoded(encoder.fail(shown(FAILURES[0])))[-1]

    assert "encrypted_content" not in records[0]["item"]
    assert records[-1]["item"]["encrypted_content"]
    assert failed["response"]["output"] == [records[-1]["item"]]


def test_the_simple_shape_streams_pieces_of_content() -> None:
    encoder = SimpleSSEEncoder(BEGUN)
    done = ItemDone(0, message("Hello"))

    out = encoder.feed(0, [Began(BEGUN), TextAdded(0, ("Hel",)), TextAdded(0, ("lo",)), done])
    end = encoder.feed(0, [Ended(ENDED)])

    assert out == (
        b'data: {"model":"llama3","output":{"role":"assistant","content":"Hel"}}\n\n'
        b'data: {"model":"llama3","output":{"role":"assistant","content":"lo"}}\n\n'
    )
    assert end == b"data: [DONE]\n\n"
    assert encoder.fail(shown(FAILURES[0])).startswith(b'data: {"error":{"message":"It broke."')
