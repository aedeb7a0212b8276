"""Server-sent events: the status waits for the first event, failures after it go in-band."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from domain.errors import ClientDisconnectedError
from entrypoints.http import errors
from entrypoints.http.disconnect import HangUp
from entrypoints.http.replies import encoded
from entrypoints.http.traffic import EVENT_STREAM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from litestar.types import Receive, Scope, Send

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)
E_contra = TypeVar("E_contra", contravariant=True)

# Comments are the one kind of keep-alive that every official client skips.
_KEEP_ALIVE = b": keep-alive\n\n"
# Proxies must neither keep nor gather events.
_HEADERS = [
    EVENT_STREAM,
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class SSEStream(Protocol[E_co]):
    """Batches of events, each with the index of the choice that it belongs to."""

    def __aiter__(self) -> Self:
        """Return the stream itself."""
        ...

    async def __anext__(self) -> tuple[int, Sequence[E_co]]:
        """Return the next batch."""
        ...

    async def aclose(self) -> None:
        """Stop what makes the events."""
        ...


class SSEEncoder(Protocol[E_contra]):
    """Events in, bytes out."""

    def feed(self, index: int, events: Sequence[E_contra], /) -> bytes:
        """Return the records of a choice's events."""
        ...

    def fail(self, shown: errors.Envelope) -> bytes:
        """Return the records that end a stream which failed."""
        ...


def failure(shown: errors.Envelope) -> bytes:
    """Return the record that clients raise.

    Official ones know it by its data, LangChain4j by its name; go-openai reads line by line and
    needs the data first.
    """
    return b"data: " + shown.body + b"\nevent: error\n\n"


class SSEReply(Generic[E]):
    """A stream of events; an ASGI application.

    Args:
        opening: starts the answer and awaits its first event.
        heartbeat_after_s: after so long without a first event the status goes out, and comments
            keep the connection alive; 0 for never.
        headers: more headers.
        late: makes the records of a failure after the status, but before the first event.
    """

    def __init__(
        self,
        opening: Callable[[], Awaitable[tuple[SSEStream[E], SSEEncoder[E]]]],
        *,
        heartbeat_after_s: float,
        headers: Mapping[str, str] | None = None,
        late: Callable[[errors.Envelope], bytes] = failure,
    ) -> None:
        self._opening = opening
        self._heartbeat_after_s = heartbeat_after_s
        self._late = late
        self._headers = [*_HEADERS, *encoded(headers or {})]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        output = _Output(send, self._headers, self._heartbeat_after_s)
        encoder: SSEEncoder[E] | None = None
        try:
            async with HangUp(receive):
                try:
                    stream, encoder = await self._opening()
                except BaseException:
                    await output.stop_heartbeat()
                    raise
                try:
                    await output.stop_heartbeat()
                    async for index, batch in stream:
                        await output.send(encoder.feed(index, batch))
                finally:
                    await stream.aclose()
            await output.end()
        except ClientDisconnectedError as error:
            errors.log(error, errors.envelope(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must be told
            if not output.started:
                await errors.reply(error, scope)(scope, receive, send)
                return
            shown = errors.envelope(error, scope)
            errors.log(error, shown)
            await output.end(encoder.fail(shown) if encoder else self._late(shown))


class _Output:
    """The sending side: starts when there is something to send, or when patience ends."""

    def __init__(
        self, send: Send, headers: list[tuple[bytes, bytes]], heartbeat_after_s: float
    ) -> None:
        self.started = False
        self._send = send
        self._headers = headers
        self._interval = heartbeat_after_s
        self._beating: asyncio.Task[None] | None = None
        # A timer costs next to nothing; the task exists only where it is needed.
        self._timer = (
            asyncio.get_running_loop().call_later(heartbeat_after_s, self._start_beating)
            if heartbeat_after_s
            else None
        )

    async def send(self, data: bytes) -> None:
        if not self.started:
            await self._start()
        if data:
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes = b"") -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def stop_heartbeat(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)

    async def _start(self) -> None:
        await self._send(
            {"type": "http.response.start", "status": 200, "headers": list(self._headers)}
        )
        # Not before: the heartbeat may be cancelled while the client does not take the head.
        self.started = True

    def _start_beating(self) -> None:
        self._beating = asyncio.create_task(self._beat())

    async def _beat(self) -> None:
        while True:
            await self.send(_KEEP_ALIVE)
            await asyncio.sleep(self._interval)
