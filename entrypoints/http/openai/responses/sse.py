"""A response's stream as server-sent events, in either shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from application.response_events import Ended, TextAdded
from entrypoints.http import sse
from entrypoints.http.openai.responses import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.response_events import ResponseEvent, ResponseStream
    from domain.conversation import StoredResponse
    from entrypoints.http.errors import Envelope
    from entrypoints.http.openai.responses.stream import Record, ResponseEncoder


class Single:
    """A response under way as the one choice of a stream."""

    def __init__(self, stream: ResponseStream) -> None:
        self._stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Sequence[ResponseEvent]]:
        """Return the next batch."""
        return 0, await anext(self._stream)

    async def aclose(self) -> None:
        """Stop generating."""
        await self._stream.aclose()


class ResponseSSEEncoder:
    """Response events in, SSE bytes out."""

    def __init__(self, encoder: ResponseEncoder) -> None:
        self._encoder = encoder

    def feed(self, _index: int, batch: Sequence[ResponseEvent]) -> bytes:
        """Return the records of ``batch``; `[DONE]` follows the last one of all."""
        return self._framed(self._encoder.feed(batch))

    def fail(self, shown: Envelope) -> bytes:
        """Return the records that end a response which failed."""
        return self._framed(self._encoder.fail(shown))

    def _framed(self, records: Sequence[Record]) -> bytes:
        out = b"".join(framed(record) for record in records)
        return out + b"data: [DONE]\n\n" if records and self._encoder.ended else out


class SimpleSSEEncoder:
    """Response events to a stream in the simple shape: each record has more of the content."""

    def __init__(self, begun: StoredResponse) -> None:
        self._model = begun.model

    def feed(self, _index: int, batch: Sequence[ResponseEvent]) -> bytes:
        """Return the records of ``batch``; `[DONE]` follows the last one of all."""
        out: list[bytes] = []
        for event in batch:
            if isinstance(event, TextAdded):
                out += (
                    b"data: " + render.simple_piece(self._model, text) + b"\n\n"
                    for text in event.pieces
                )
            elif isinstance(event, Ended):
                out.append(b"data: [DONE]\n\n")
        return b"".join(out)

    def fail(self, shown: Envelope) -> bytes:
        """Return the record that ends a stream which failed; no `[DONE]` follows it."""
        return sse.failure(shown)


def framed(record: Record) -> bytes:
    """Return ``record`` as an SSE record."""
    return b"event: %b\ndata: %b\n\n" % (record.type.encode(), record.data)
