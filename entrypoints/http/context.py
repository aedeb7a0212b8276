"""Every request has an id and leaves one line in the log."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import structlog
from structlog.contextvars import bind_contextvars, reset_contextvars

from entrypoints.http.calls import CALLS, method

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from application.ports.system import IdPort

_log = structlog.stdlib.get_logger()
_HEADER = b"x-request-id"
_TAKEN = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_LEFT = 499
_SWITCHED = 101
# What a handshake is refused with, where the server cannot send a status of ours.
_FORBIDDEN = 403


class RequestContext:
    """Binds ``request_id`` to the logs of a request and sends it as ``x-request-id``.

    A WebSocket is one request, from its handshake to its end.

    A client's own ``x-request-id`` is kept where it is a plain word of 128 characters at most.
    """

    def __init__(self, app: ASGIApp, ids: IdPort) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in CALLS:
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or self._ids.new("req_")
        header = (_HEADER, request_id.encode())
        began = time.perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.body":
                # A stream has one of these for every token.
                pass
            elif (
                message["type"] == "http.response.start"
                or message["type"] == "websocket.http.response.start"
            ):
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            elif message["type"] == "websocket.accept":
                status = _SWITCHED
                message["headers"] = [*message["headers"], header]
            elif message["type"] == "websocket.close":
                status = status or _FORBIDDEN
            await send(message)

        bound = bind_contextvars(request_id=request_id)
        try:
            await self._app(scope, receive, sending)
        finally:
            _log.info(
                "request_answered",
                method=method(scope),
                path=scope["path"],
                status=status or _LEFT,
                elapsed_ms=round((time.perf_counter() - began) * 1000, 1),
            )
            reset_contextvars(**bound)


def _given(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _HEADER:
            return value.decode() if _TAKEN.fullmatch(value) else None
    return None
