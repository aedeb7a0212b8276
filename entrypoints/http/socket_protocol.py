"""WebSocket connections that cost a bounded time, and end when the service says so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from litestar.exceptions import HTTPException
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import PayloadTooBig
from websockets.frames import CloseCode, Frame, Opcode
from websockets.server import ServerProtocol

from entrypoints.http import errors

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGISendEvent
    from websockets.http11 import Response
    from websockets.typing import StatusLike

# uvicorn and websockets tell of every handshake, with its query; our own line is enough.
_log = logging.getLogger("uvicorn.sockets")
_log.setLevel(logging.WARNING)
# What a client sends as text that is none is no fault of ours: the close tells it.
_log.addFilter(lambda record: not _is_of_bad_text(record))

_TOO_LARGE = 413
_SERVER_FAULTS = 500
# So much is taken in before everything else has its turn.
_AT_ONCE_BYTES = 16 * 1024
# Fragments, pings and pongs from one event to the next; more where they bring so much each.
_MOST_FRAMES = 1000
_FRAME_BYTES = 1024
# To wait for a client to confirm that a connection is closed, where the server ends; and for
# more of what is refused.
_FAREWELL_S = 0.5


class GuardedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose client must read, and that outlives the begin of a shutdown.

    Args:
        write_s: how long to wait for a client that does not read.
    """

    def __init__(self, *args: Any, write_s: float, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self.logger = self.conn.logger = _log
        self.conn.reject = self._refusal  # type: ignore[method-assign]  # its own is plain text
        self._write_s = write_s
        self._writing: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._unread = bytearray()
        self._frames = 0
        self._bytes = 0

    def data_received(self, data: bytes) -> None:
        if not self.handshake_initiated:
            super().data_received(data)
            # A head always comes whole; one that websockets cannot take, uvicorn would leave open.
            if not self.handshake_initiated:
                self.transport.write(b"".join(self.conn.data_to_send()))
                self.transport.close()
            return
        # A frame may be six bytes: so many frames at once would hold up everything else.
        if not self._unread and len(data) <= _AT_ONCE_BYTES:
            super().data_received(data)
            return
        if not self._unread:
            self.loop.call_soon(self._read_on)
        self._unread += data
        self.transport.pause_reading()

    def handle_cont(self, event: Frame) -> None:
        self._count(event)
        if not self.close_sent:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        self._count()
        if not self.close_sent:
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        self._count()
        super().handle_pong(event)

    def send_receive_event_to_app(self) -> None:
        self._frames = self._bytes = 0
        super().send_receive_event_to_app()

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

    async def send(self, message: ASGISendEvent) -> None:
        if self.close_sent:
            raise ClientDisconnected
        await super().send(message)
        # Else uvicorn would log a refusal as a handshake that was left unanswered.
        self.handshake_complete = self.handshake_complete or self.close_sent

    def handle_parser_exception(self) -> None:
        if self.close_sent:
            self._linger()
            return
        if not isinstance(self.conn.parser_exc, PayloadTooBig):
            super().handle_parser_exception()
            return
        shown = errors.envelope(HTTPException(status_code=_TOO_LARGE))
        refusal = Frame(Opcode.TEXT, errors.event(shown)).serialize(mask=False)
        self.transport.write(b"".join([refusal, *self.conn.data_to_send()]))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": CloseCode.MESSAGE_TOO_BIG})
        self._deadline = self.loop.time() + self.close_timeout
        self._linger()

    def _refusal(self, status: StatusLike, text: str) -> Response:
        """Return the answer to a handshake that is none, in the shape of all errors."""
        response = ServerProtocol.reject(self.conn, status, "")
        kind = "server_error" if response.status_code >= _SERVER_FAULTS else "invalid_request_error"
        response.body = errors.encode(text.partition("\n")[0], kind, code=None)
        for name, value in (
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(response.body))),
        ):
            del response.headers[name]
            response.headers[name] = value
        # What RFC 6455 wants said where the client's version is another.
        response.headers["Sec-WebSocket-Version"] = "13"
        return response

    def _read_on(self) -> None:
        if self.disconnected:
            return
        part = bytes(self._unread[:_AT_ONCE_BYTES])
        del self._unread[:_AT_ONCE_BYTES]
        super().data_received(part)
        if self.transport.is_closing():
            return
        if self._unread:
            self.loop.call_soon(self._read_on)
        elif not self.read_paused:
            self.transport.resume_reading()

    def _count(self, event: Frame | None = None) -> None:
        """Count a frame that is no event by itself; too many of them end the connection."""
        self._frames += 1
        self._bytes += 0 if event is None else len(event.data)
        if self._frames > _MOST_FRAMES + self._bytes // _FRAME_BYTES and not self.close_sent:
            self.conn.fail(CloseCode.POLICY_VIOLATION, "too many frames")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.queue.put_nowait(
                {"type": "websocket.disconnect", "code": CloseCode.POLICY_VIOLATION}
            )
            self._deadline = self.loop.time() + self.close_timeout
            self._linger()

    def _linger(self) -> None:
        """Close once the rest of what is refused has come: unread, it would undo the refusal."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        end = min(self.loop.time() + _FAREWELL_S, self._deadline)
        self.close_timer = self.loop.call_at(end, self.transport.close)

    def _drained(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None


def _is_of_bad_text(record: logging.LogRecord) -> bool:
    return record.exc_info is not None and isinstance(record.exc_info[1], UnicodeDecodeError)
