"""The stream of a response that is made in the background: as it is kept, and as it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from entrypoints.http import errors
from entrypoints.http.openai.responses import stream
from entrypoints.http.openai.responses.sse import framed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.following import Following
    from application.response_events import ResponseEvent
    from domain.conversation import Failure, StoredResponse

    Piece = tuple[Sequence[bytes], StoredResponse | None]

_DONE = b"data: [DONE]\n\n"


class SSERecorder:
    """Response events in, SSE records to be kept out."""

    def __init__(self, encoder: stream.ResponseEncoder) -> None:
        self._encoder = encoder

    def feed(self, batch: Sequence[ResponseEvent]) -> Sequence[bytes]:
        """Return the records of ``batch``."""
        return [framed(record) for record in self._encoder.feed(batch)]

    def failure(self, error: Exception) -> Failure:
        """Return what is told of ``error``, and record it."""
        shown = errors.envelope(error)
        errors.log(error, shown)
        return stream.failure(shown)


class Followed:
    """A response that is followed, as the one choice of a stream."""

    def __init__(self, following: Following) -> None:
        self._following = following

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Sequence[Piece]]:
        """Return what came meanwhile."""
        return 0, [await anext(self._following)]

    async def aclose(self) -> None:
        """Follow no more."""
        await self._following.aclose()


class FollowedEncoder:
    """Kept records in, the same out; after the last of them comes the one of the end.

    Args:
        start: the number of the first record.
        encrypted: whether reasoning items of the end bring what can be sent back.
    """

    def __init__(self, start: int, *, encrypted: bool) -> None:
        self._next = start
        self._encrypted = encrypted

    def feed(self, _index: int, batch: Sequence[Piece]) -> bytes:
        """Return the bytes of what came."""
        out: list[bytes] = []
        for records, final in batch:
            out += records
            self._next += len(records)
            if final is not None:
                end = stream.last(final, self._next, encrypted=self._encrypted)
                out.append(framed(end))
            if final is not None or not records:
                out.append(_DONE)
        return b"".join(out)

    def fail(self, shown: errors.Envelope) -> bytes:
        """Return the record that ends a stream which failed; the response may go on."""
        return b"data: %b\n\n" % shown.body
