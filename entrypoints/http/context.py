"""Every request has an id and leaves one line in the log."""

from __future__ import annotations

import re
from time import perf_counter
from typing import TYPE_CHECKING

import structlog

from application.work import WORK, Work
from entrypoints.http.calls import CALLS, method
from entrypoints.http.traffic import EVENT_STREAM
from entrypoints.logging import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from application.ports.system import IdPort
    from entrypoints.http.traffic import Traffic

_log = structlog.stdlib.get_logger()
_HEADER = b"x-request-id"
_TAKEN = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_LEFT = 499
_SWITCHED = 101
# What a handshake is refused with, where the server cannot send a status of ours.
_FORBIDDEN = 403
_REFUSED = 400


class RequestContext:
    """Binds ``request_id`` to the logs of a request and sends it as ``x-request-id``.

    A WebSocket is one request, from its handshake to its end.

    A client's own ``x-request-id`` is kept where it is a plain word of 128 characters at most.
    """

    def __init__(self, app: ASGIApp, ids: IdPort, traffic: Traffic) -> None:
        self._app = app
        self._ids = ids
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in CALLS:
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or self._ids.new("req_")
        sending = _Sending(send, (_HEADER, request_id.encode()), self._traffic)
        work = Work()
        WORK.set(work)
        before = REQUEST_ID.set(request_id)
        self._traffic.active += 1
        try:
            await self._app(scope, receive, sending.send)
        finally:
            self._traffic.active -= 1
            sending.end()
            self._tell(scope, sending, work)
            REQUEST_ID.reset(before)

    def _tell(self, scope: Scope, sending: _Sending, work: Work) -> None:
        seconds = perf_counter() - work.began
        status = sending.status or _LEFT
        outcome = work.outcome
        if outcome == "ok" and status >= _REFUSED:
            outcome = "client_left" if status == _LEFT else "refused"
        self._traffic.ended(scope, status, seconds, left=outcome == "client_left")
        told: dict[str, object] = {
            "method": method(scope),
            "path": scope["path"],
            "status": status,
            "outcome": outcome,
            "elapsed_ms": round(seconds * 1000, 1),
        }
        if sending.streams:
            told["stream"] = True
        work.add_to(told)
        _log.info("request_answered", **told)


class _Sending:
    """The sending side of a request: adds the id, and sees what goes out."""

    def __init__(self, send: Send, header: tuple[bytes, bytes], traffic: Traffic) -> None:
        self._send = send
        self._header = header
        self._traffic = traffic
        self.status = 0
        self.streams = False
        self._socket = False

    def send(self, message: Message) -> Awaitable[None]:
        # A stream has a body for every token.
        if message["type"] != "http.response.body":
            self._look(message)
        return self._send(message)

    def end(self) -> None:
        self._traffic.streams -= self.streams
        self._traffic.sockets -= self._socket

    def _look(self, message: Message) -> None:
        if (
            message["type"] == "http.response.start"
            or message["type"] == "websocket.http.response.start"
        ):
            self.status = message["status"]
            self.streams = EVENT_STREAM in message["headers"]
            self._traffic.streams += self.streams
            message["headers"] = [*message["headers"], self._header]
        elif message["type"] == "websocket.accept":
            self.status = _SWITCHED
            self._socket = True
            self._traffic.sockets += 1
            message["headers"] = [*message["headers"], self._header]
        elif message["type"] == "websocket.close":
            self.status = self.status or _FORBIDDEN


def _given(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _HEADER:
            return value.decode() if _TAKEN.fullmatch(value) else None
    return None
