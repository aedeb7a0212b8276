"""WebSocket connections that cost a bounded time, and end when the service says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from litestar.exceptions import HTTPException
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode

from entrypoints.http import errors

if TYPE_CHECKING:
    import asyncio

# uvicorn tells of every handshake, with the query; our own log line has neither.
_log = logging.getLogger("uvicorn.sockets")
_log.setLevel(logging.WARNING)

_TOO_LARGE = 413
# To wait for a client to confirm that a connection is closed, where the server ends.
_FAREWELL_S = 1.0


class GuardedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose client must read, and that outlives the begin of a shutdown.

    Args:
        write_s: how long to wait for a client that does not read.
    """

    def __init__(self, *args: Any, write_s: float, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self.logger = _log
        self._write_s = write_s
        self._writing: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._drained()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(self._write_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._drained()
        super().resume_writing()

    def shutdown(self) -> None:
        # uvicorn would close at once, in the middle of an answer; the drain waits for its end.
        self.close_timeout = _FAREWELL_S
        if not self.handshake_complete or self.close_sent:
            super().shutdown()

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            # More of what is refused; reading it lets the client read why.
            return
        if not isinstance(self.conn.parser_exc, PayloadTooBig):
            super().handle_parser_exception()
            return
        shown = errors.envelope(HTTPException(status_code=_TOO_LARGE))
        refusal = Frame(Opcode.TEXT, errors.event(shown)).serialize(mask=False)
        self.transport.write(b"".join([refusal, *self.conn.data_to_send()]))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.MESSAGE_TOO_BIG})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def _drained(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
