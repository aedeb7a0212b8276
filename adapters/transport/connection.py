"""A connection to a model server: HTTP/1.1, one exchange at a time.

Client libraries cost more than all the rest of a proxied answer: reading the 64 chunks of a
short stream takes aiohttp about 0.2 ms and httpx about 1 ms; this takes 0.03 ms. It does what
a model server needs and no more: no redirects, cookies, proxies or compression.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, cast

import httptools

from domain.errors import UpstreamError, UpstreamProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

# A model server's head is a few hundred bytes.
_HEAD_LIMIT_BYTES = 64 * 1024
# Bytes that may wait for a reader before the socket is left unread.
_HIGH_WATER_BYTES = 256 * 1024
_FIRST_FINAL_STATUS = 200


class Connection(asyncio.Protocol):
    """Sends a request, then gives the answer's status and body as they arrive.

    Attributes:
        status: of the answer; 0 until its head is complete.
        complete: the answer has arrived whole.
    """

    def __init__(self) -> None:
        self.status = 0
        self.complete = True
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        # httptools' callback for a piece of the body, of which a stream has one for each token.
        self.on_body = self._pieces.append
        self._waiting_bytes = 0
        self._head_bytes = 0
        self._framed = False
        self._failure: UpstreamError | None = None
        self._paused = False
        self._keep_alive = False
        self._on_lost: Callable[[], None] | None = None

    def send(self, request: bytes) -> None:
        """Send a whole request; the connection must be idle."""
        self.status = 0
        self.complete = self._framed = self._keep_alive = False
        self._head_bytes = 0
        self._parser = httptools.HttpResponseParser(self)
        self._open_transport().write(request)

    async def head(self) -> int:
        """Return the answer's status once its head has arrived.

        Raises:
            UpstreamProtocolError: the connection broke, or this is not HTTP.
        """
        while not self.status:
            await self._more()
        return self.status

    async def read(self) -> bytes:
        """Return all of the body that has arrived, waiting for some; empty at its end.

        Raises:
            UpstreamProtocolError: the connection broke before the end.
        """
        while not self._pieces:
            if self.complete:
                return b""
            await self._more()
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._waiting_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def reusable(self) -> bool:
        """Return whether another request could follow: this one was answered and read whole."""
        transport = self._transport
        return (
            self.complete
            and self._keep_alive
            and not self._pieces
            and self._failure is None
            and transport is not None
            and not transport.is_closing()
        )

    def quiet(self) -> bool:
        """Return whether the peer has neither sent nor closed anything since.

        What arrived after the loop last looked shows only at the socket itself.
        """
        return not self._poll.poll(0)

    def idle(self, on_lost: Callable[[], None] | None) -> None:
        """Have ``on_lost`` called if the peer closes the connection, or no longer."""
        self._on_lost = on_lost

    def cut(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self.complete or self._parser is None:
            # Nobody asked: nothing that follows could be told from an answer.
            self._fail()
            return
        if self.status:
            self._waiting_bytes += len(data)
        else:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, _RefusedError):
            self._fail("The model server did not answer in HTTP.")
            return
        if not self.status and self._head_bytes > _HEAD_LIMIT_BYTES:
            self._fail("The model server did not answer in HTTP.")
            return
        if self._waiting_bytes > _HIGH_WATER_BYTES and not self._paused:
            self._paused = True
            self._open_transport().pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.complete:
            if self.status and not self._framed and exc is None:
                # A body without a length ends with the connection.
                self.complete = True
            else:
                self._fail()
        self._wake()
        if self._on_lost is not None:
            self._on_lost()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what matters (httptools' callback)."""
        lowered = name.lower()
        if lowered in (b"content-length", b"transfer-encoding"):
            self._framed = True
        elif lowered == b"content-encoding" and value.lower() != b"identity":
            # None was asked for; inflating it is how small answers fill memories.
            raise _RefusedError

    def on_headers_complete(self) -> None:
        """Note the status (httptools' callback)."""
        parser = cast("httptools.HttpResponseParser", self._parser)
        status = parser.get_status_code()
        if status >= _FIRST_FINAL_STATUS:
            self.status = status
            self._keep_alive = parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Note the end (httptools' callback); interim answers have one, too."""
        self.complete = bool(self.status)

    def _open_transport(self) -> asyncio.Transport:
        if self._failure is not None or self._transport is None:
            raise self._failure or _broken()
        return self._transport

    async def _more(self) -> None:
        """Wait for something to arrive; what is at hand comes before a failure after it."""
        self._open_transport()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, message: str | None = None) -> None:
        if self._failure is None:
            self._failure = _broken() if message is None else _garbage(message)
        self.cut()
        self._wake()


class _RefusedError(Exception):
    """A head that is well-formed and not acceptable."""


def _broken() -> UpstreamProtocolError:
    message = "The model server broke the connection."
    return UpstreamProtocolError(message, code="upstream_disconnected")


def _garbage(message: str) -> UpstreamProtocolError:
    return UpstreamProtocolError(message, code="upstream_garbage")
