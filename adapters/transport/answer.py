"""An answer of a model server, while it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from domain.errors import UpstreamProtocolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.upstream import UpstreamResponse
    from domain.errors import ServiceError
    from domain.events import ChatEvent

# Half a million tokens, or some fifty thousand with all their alternatives; what is longer has no
# end, and it is kept in memory where an answer is given whole.
_LIMIT_BYTES = 64 * 1024 * 1024


class Decoder(Protocol):
    """Bytes in, events out; one instance per answer.

    Attributes:
        finished: the answer is complete.
        failure: the answer failed after the events that were returned last.
    """

    finished: bool
    failure: ServiceError | None

    def feed(self, data: bytes) -> list[ChatEvent]:
        """Return the events that ``data`` completes; possibly none.

        Raises:
            ServiceError: the server reported a failure, or what it sends is no answer.
        """
        ...

    def finish(self) -> list[ChatEvent]:
        """Return the events that the end of the body completes; at least one.

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

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        if self._decoder.finished:
            raise StopAsyncIteration
        if self._decoder.failure is not None:
            raise self._decoder.failure
        while data := await self._response.read():
            self._bytes += len(data)
            if self._bytes > _LIMIT_BYTES:
                message = "The model server's answer is too large."
                raise UpstreamProtocolError(message, code="upstream_too_large")
            if events := self._decoder.feed(data):
                return events
        return self._decoder.finish()

    async def aclose(self) -> None:
        try:
            if self._decoder.finished:
                await self._response.finish()
        finally:
            await self._response.aclose()
