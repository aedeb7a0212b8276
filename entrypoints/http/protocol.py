"""Connections that cost a bounded time and a bounded head.

uvicorn's protocol waits for ever for a head, a body and a client that does not read, and takes
heads of any size. Middleware cannot see any of that; so this stands beneath it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from entrypoints.http import errors
from entrypoints.http.gathering import GatheringTransport

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

_TOO_LARGE = "The head of the request is too large."
_FRAMING = (b"content-length", b"transfer-encoding")
_PHRASES = {
    400: "Bad Request",
    408: "Request Timeout",
    431: "Request Header Fields Too Large",
}


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What a connection may take.

    Attributes:
        header_s: from the beginning of a request, or of the connection, to the end of its head.
        body_s: from the end of the head to the end of the body.
        write_s: of waiting for a client that does not read.
        header_bytes: of a request's head.
    """

    header_s: float
    body_s: float
    write_s: float
    header_bytes: int


class GuardedProtocol(HttpToolsProtocol):
    """HTTP/1.1 within limits; each is absolute, so that a byte now and then gains nothing."""

    def __init__(self, *args: Any, limits: ConnectionLimits, **kwargs: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **kwargs)
        self._limits = limits
        self._head_bytes = 0
        self._line_bytes = 0
        self._reading: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._in_head = True
        self._in_body = False
        self._data = self._again = b""
        self._served: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._gathering = GatheringTransport(transport, self.loop)
        super().connection_made(self._gathering)
        self._await(self._limits.header_s, "head")

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        self._drained()
        # uvicorn only tells the request that came last, which may still wait for its turn.
        if self._served is not None and not self._served.response_complete:
            self._served.disconnected = True
            self._served.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        self._data = data
        super().data_received(data)
        while self._again:
            self._data, self._again = self._again, b""
            super().data_received(self._data)
        self._data = b""
        # Who does not read does not notice a client that leaves.
        if len(self.pipeline) == 1 and len(self.cycle.body) <= HIGH_WATER_LIMIT:
            self.flow.resume_reading()
        # Most requests come whole: for those no timer is needed.
        if self._in_head:
            if self._head_bytes > self._limits.header_bytes:
                self._refuse(431, _TOO_LARGE)
            elif self._head_bytes and self._reading is None:
                self._await(self._limits.header_s, "head")
        elif not self._in_body:
            self._in_body = True
            self._await(self._limits.body_s, "body")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        # A head may come in one piece with its body, so its lines are counted, too.
        self._line_bytes += len(name) + len(value)
        if self._line_bytes > self._limits.header_bytes:
            # httptools turns it into an error of its own, and uvicorn that into a 400.
            raise _TooLargeError

    def on_headers_complete(self) -> None:
        self._in_head = self._in_body = False
        self._head_bytes = self._line_bytes = 0
        if not self.url.startswith(b"/"):
            self._take_authority()
        super().on_headers_complete()

    def _take_authority(self) -> None:
        """Make a target with a host in it one without; its host stands in for the header's.

        That is RFC 9112, 3.2.2, and has nobody name a host past the check of hosts.
        """
        target = httptools.parse_url(self.url)
        if not target.host:
            return
        host = b"[%b]" % target.host if b":" in target.host else target.host
        if target.port:
            host = b"%b:%d" % (host, target.port)
        self.headers[:] = [
            (name, host if name == b"host" else value) for name, value in self.headers
        ]
        self.url = target.path or b"/"
        if target.query:
            self.url += b"?" + target.query

    def on_message_complete(self) -> None:
        self._arrived()
        self._in_head = True
        # What follows in the same piece belongs to the next head.
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        # What is left to do for a request, its log line first, is done while its client reads.
        self._gathering.flush()
        super().on_response_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def _should_upgrade(self) -> bool:
        # For any protocol: which it is comes to light below. CONNECT has another meaning.
        return self.scope["method"] != "CONNECT"

    def handle_websocket_upgrade(self) -> None:
        if not self._is_handshake():
            self._pass_over_upgrade()
            return
        # The transport goes to another protocol, which has limits of its own.
        self._arrived()
        self._drained()
        super().handle_websocket_upgrade()

    def _is_handshake(self) -> bool:
        # Behind a request under way it would hide that one's end.
        is_free: bool = getattr(self.cycle, "response_complete", True)
        is_bare = not any(name in _FRAMING for name, _ in self.headers)
        return is_free and is_bare and self.scope["method"] == "GET" and super()._should_upgrade()

    def _pass_over_upgrade(self) -> None:
        """Read the request again as one that wishes for no other protocol.

        Java's client wishes for HTTP/2 in every one; httptools would leave out its body.
        """
        wish = cast("httptools.HttpParserUpgrade", sys.exception())
        end: int = wish.args[0]
        version = self.parser.get_http_version()
        lines = [
            b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version.encode()),
            *(b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"),
        ]
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn has it: what follows the last request of a connection is no fault.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._again = b"\r\n".join([*lines, b"", self._data[end:]])

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writing = self.loop.call_later(self._limits.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._drained()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        if self._line_bytes > self._limits.header_bytes:
            self._refuse(431, _TOO_LARGE)
        else:
            self._refuse(400, msg)

    def _await(self, seconds: float, what: str) -> None:
        self._arrived()
        self._reading = self.loop.call_later(seconds, self._too_slow, what)

    def _arrived(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _drained(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _too_slow(self, what: str) -> None:
        if (
            self._served is not None
            and not self._served.response_complete
            and (what == "head" or self._served is not self.cycle)
        ):
            # A word about what follows would stand in the middle of the answer under way.
            self._await(self._limits.header_s, what)
        elif what == "body" and self.cycle.response_started:
            self.transport.abort()
        else:
            self._refuse(408, f"The {what} of the request did not arrive in time.")

    def _refuse(self, status: int, message: str) -> None:
        if self.transport.is_closing():
            return
        body = errors.encode(message, "invalid_request_error", code=None)
        head = (
            f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _TooLargeError(Exception):
    """A head over the limit."""
