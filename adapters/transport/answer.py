"""An answer of a model server, while it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from adapters.transport.response import too_large
from domain.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.response import UpstreamResponse
    from domain.events import ChatEvent

# Half a million tokens, or some fifty thousand with all their alternatives; what is longer has no
# end, and it is kept in memory where an answer is given whole.
_LIMIT_BYTES = 64 * 1024 * 1024


class Decoder(Protocol):
    """Bytes in, events out; one instance per answer.

    Attributes:
        finished: the answer is complete.
    """

    finished: bool

    def feed(self, data: bytes, out: list[ChatEvent]) -> None:
        """Put the events that ``data`` completes into ``out``; possibly none.

        Raises:
            ServiceError: the server reported a failure, or what it sends is no answer.
        """
        ...

    def finish(self, out: list[ChatEvent]) -> None:
        """Put the events that the end of the body completes into ``out``; at least one.

        Raises:
            UpstreamProtocolError: the body ended before the answer did.
        """
        ...


class AnswerStream:
    """An open answer; closing it makes the server stop generating."""

    def __init__(self, response: UpstreamResponse, decoder: Decoder) -> None:
        self._response = response
        self._decoder = decoder
        self._bytes = 0
        self._failure: ServiceError | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        if self._decoder.finished:
            raise StopAsyncIteration
        if self._failure is not None:
            raise self._failure
        events: list[ChatEvent] = []
        try:
            while data := await self._response.read():
                self._bytes += len(data)
                if self._bytes > _LIMIT_BYTES:
                    raise too_large()
                self._decoder.feed(data, events)
                if events:
                    return events
            self._decoder.finish(events)
        except ServiceError as error:
            # What came before it in the same read stands.
            if not events:
                raise
            self._failure = error
        return events

    async def aclose(self) -> None:
        try:
            if self._decoder.finished:
                await self._response.finish()
        finally:
            await self._response.aclose()
