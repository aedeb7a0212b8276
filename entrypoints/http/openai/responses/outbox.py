"""What goes to a client over a WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.errors import ClientDisconnectedError
from entrypoints.http import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from litestar.types import Send

    from entrypoints.http.openai.responses.stream import Record

_encode = msgspec.json.Encoder().encode


class Outbox:
    """Sends records, each as a text frame of its own.

    Attributes:
        failing: makes the records that end a response under way which failed.
    """

    def __init__(self, send: Send) -> None:
        self.failing: Callable[[errors.Envelope], Sequence[Record]] | None = None
        self._send = send
        self._lane = b"}"

    def begin(self, stream_id: str | None = None) -> None:
        """Begin a turn; its events bear the name of the lane that its client gave."""
        self.failing = None
        self._lane = b"}" if stream_id is None else b',"stream_id":%b}' % _encode(stream_id)

    async def send(self, records: Sequence[Record]) -> None:
        """Send the records of a response."""
        for record in records:
            await self._frame(record.data)

    async def fail(self, shown: errors.Envelope) -> None:
        """End the turn: its response, if it is under way, and else with an error."""
        if self.failing is None:
            await self._frame(errors.event(shown))
        else:
            await self.send(self.failing(shown))

    async def close(self, error: Exception, code: int) -> None:
        """End the connection; the last event says why."""
        self.begin()
        shown = errors.envelope(error)
        try:
            await self._frame(errors.event(shown))
            await self._send({"type": "websocket.close", "code": code, "reason": None})
        except ClientDisconnectedError as gone:
            errors.log(gone, shown)

    async def _frame(self, data: bytes) -> None:
        text = (data[:-1] + self._lane).decode()
        await _delivered(self._send({"type": "websocket.send", "text": text, "bytes": None}))


async def _delivered(sending: Awaitable[None]) -> None:
    try:
        await sending
    except OSError as error:
        # ASGI's word for a connection that is gone, from version 2.4 of the specification on.
        message = "The client closed the connection."
        raise ClientDisconnectedError(message) from error
