"""A response's events to the records of its stream, whatever carries them.

``ResponseEncoder`` makes the JSON of each record and knows nothing of SSE: the WebSocket
transport sends the same records.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from application.response_events import (
    Began,
    Ended,
    InputAdded,
    ItemAdded,
    ItemDone,
    Queued,
    ResponseEvent,
    TextAdded,
    ThoughtAdded,
)
from domain.conversation import Failure, ResponseStatus, StoredResponse
from domain.items import AnswerText, CustomCallItem, FunctionCallItem, MessageItem, ReasoningItem
from entrypoints.http.openai.responses import answer, events, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.items import Item
    from entrypoints.http.errors import Envelope

_encode = msgspec.json.Encoder().encode
_decode_error = msgspec.json.Decoder(dict[str, dict[str, str | None]]).decode

# A failed response has one of the codes of a closed list.
_CODES = {400: "invalid_prompt", 429: "rate_limit_exceeded"}
_TEXT_DELTA = "response.output_text.delta"


class Record(NamedTuple):
    """One record of a stream: its type, and its JSON, which repeats the type."""

    type: str
    data: bytes


class ResponseEncoder:
    """Response events in, records out; one instance per response.

    Records are numbered from 0 without a gap. The first is ``response.created`` and the last,
    whatever happens, is the one of ``response.completed``, ``response.incomplete`` and
    ``response.failed`` that applies; what is fed after it gives nothing.
    """

    def __init__(self, begun: StoredResponse, *, encrypted: bool = False) -> None:
        self._response = begun
        self._encrypted = encrypted
        self._next = 0
        self._created = False
        self._begun = False
        self._ended = False
        self._done: list[Item] = []
        self._open: Item | None = None
        # All plain text deltas of an item differ in text and number alone.
        self._before_text = b""

    @property
    def ended(self) -> bool:
        """Whether the last record was given out."""
        return self._ended

    def feed(self, batch: Sequence[ResponseEvent]) -> list[Record]:
        """Return the records of ``batch``."""
        out: list[Record] = []
        for event in batch:
            if self._ended:
                break
            if isinstance(event, TextAdded) and not event.logprobs:
                self._plain(event.pieces, out)
            else:
                self._other(event, out)
        return out

    def fail(self, shown: Envelope) -> list[Record]:
        """Return the records that end a response which failed; none where it has ended."""
        if self._ended:
            return []
        failed = replace(
            self._response,
            status=ResponseStatus.FAILED,
            output=tuple(self._done),
            failure=failure(shown),
        )
        out: list[Record] = []
        self._begin(self._response, out)
        self._end(failed, out)
        return out

    def _plain(self, pieces: Sequence[str], out: list[Record]) -> None:
        before, number = self._before_text, self._next
        for text in pieces:
            data = b'%b%b,"logprobs":[],"sequence_number":%d}' % (before, _encode(text), number)
            out.append(Record(_TEXT_DELTA, data))
            number += 1
        self._next = number

    def _number(self) -> int:
        number = self._next
        self._next += 1
        return number

    def _other(self, event: ResponseEvent, out: list[Record]) -> None:
        match event:
            case Queued() | Began():
                self._lead(event, out)
            case ItemAdded(index, item):
                self._add(index, item, out)
            case TextAdded(index, pieces, logprobs):
                shown = render.logprobs(logprobs)
                id_, text = self._id(), "".join(pieces)
                more = events.TextDelta(id_, index, 0, text, shown, self._number())
                out.append(_record(more))
            case ThoughtAdded(index, text):
                thought = events.SummaryDelta(self._id(), index, 0, text, self._number())
                out.append(_record(thought))
            case InputAdded(index, text):
                custom = isinstance(self._open, CustomCallItem)
                kind = events.CustomInputDelta if custom else events.ArgumentsDelta
                out.append(_record(kind(self._id(), index, text, self._number())))
            case ItemDone(index, item):
                self._finish(index, item, out)
            case Ended(response):
                self._begin(response, out)
                self._end(response, out)

    def _id(self) -> str:
        return "" if self._open is None else self._open.id

    def _lead(self, event: Queued | Began, out: list[Record]) -> None:
        if isinstance(event, Began):
            self._begin(event.response, out)
            return
        self._created = True
        shown = render.response(event.response, encrypted=self._encrypted)
        out.append(self._lifecycle("response.created", shown))
        out.append(self._lifecycle("response.queued", shown))

    def _begin(self, response: StoredResponse, out: list[Record]) -> None:
        if self._begun:
            return
        self._begun = True
        self._response = response
        begun = replace(response, status=ResponseStatus.IN_PROGRESS, output=())
        shown = render.response(begun, encrypted=self._encrypted)
        if not self._created:
            out.append(self._lifecycle("response.created", shown))
        out.append(self._lifecycle("response.in_progress", shown))

    def _end(self, response: StoredResponse, out: list[Record]) -> None:
        self._ended = True
        out.append(last(response, self._number(), encrypted=self._encrypted))

    def _lifecycle(self, kind: str, shown: bytes) -> Record:
        return _whole(kind, shown, self._number())

    def _add(self, index: int, item: Item, out: list[Record]) -> None:
        self._open = item
        shown = render.item(item)
        out.append(_record(events.ItemAdded(index, shown, self._number())))
        match item:
            case MessageItem(id_):
                part = answer.OutputText("")
                out.append(_record(events.PartAdded(id_, index, 0, part, self._number())))
                self._before_text = (
                    b'{"type":"%b","item_id":%b,"output_index":%d,"content_index":0,"delta":'
                    % (_TEXT_DELTA.encode(), _encode(id_), index)
                )
            case ReasoningItem(id_):
                summary = answer.SummaryText("")
                added = events.SummaryPartAdded(id_, index, 0, summary, self._number())
                out.append(_record(added))
            case _:
                pass

    def _finish(self, index: int, item: Item, out: list[Record]) -> None:
        id_ = item.id
        match item:
            case MessageItem(_, _, (AnswerText(text, logprobs),)):
                shown = render.logprobs(logprobs)
                out.append(_record(events.TextDone(id_, index, 0, text, shown, self._number())))
                part = answer.OutputText(text, logprobs=shown)
                out.append(_record(events.PartDone(id_, index, 0, part, self._number())))
            case ReasoningItem(_, (text,)):
                out.append(_record(events.SummaryDone(id_, index, 0, text, self._number())))
                summary = answer.SummaryText(text)
                done = events.SummaryPartDone(id_, index, 0, summary, self._number())
                out.append(_record(done))
            case FunctionCallItem(_, _, name, arguments):
                whole = events.ArgumentsDone(id_, index, name, arguments, self._number())
                out.append(_record(whole))
            case CustomCallItem(_, _, _, text):
                out.append(_record(events.CustomInputDone(id_, index, text, self._number())))
            case _:
                pass
        done_item = render.item(item, encrypted=self._encrypted)
        out.append(_record(events.ItemDone(index, done_item, self._number())))
        self._done.append(item)
        self._open = None


def last(response: StoredResponse, number: int, *, encrypted: bool) -> Record:
    """Return the record, numbered ``number``, that ends the stream of a final response.

    No event says that a response was cancelled; it is one that is not complete.
    """
    status = response.status
    word = "incomplete" if status is ResponseStatus.CANCELLED else status.value
    return _whole(f"response.{word}", render.response(response, encrypted=encrypted), number)


def failure(shown: Envelope) -> Failure:
    """Return what a response tells of the failure that ended it."""
    message = _decode_error(shown.body)["error"]["message"] or ""
    return Failure(_CODES.get(shown.status, "server_error"), message)


def _whole(kind: str, shown: bytes, number: int) -> Record:
    return Record(kind, _encode(events.Lifecycle(kind, msgspec.Raw(shown), number)))


def _record(body: msgspec.Struct) -> Record:
    kind = body.__struct_config__.tag
    return Record(str(kind), _encode(body))
