"""Answers that go out as they were built, past the framework's response layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from litestar.enums import ScopeType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import Message, Receive, Scope, Send


def encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return ``headers`` as ASGI has them."""
    return [(k.encode("latin-1"), v.encode("latin-1", "replace")) for k, v in headers.items()]


_DENIAL = "websocket.http.response"
_POLICY_VIOLATION = 1008


class JSONReply:
    """A JSON document with a status; an ASGI application.

    In answer to a WebSocket's handshake it refuses the WebSocket.
    """

    def __init__(
        self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self._body = body
        self._status = status
        self._headers = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(self._body)).encode()),
            *encoded(self._headers),
        ]
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._deny(scope, headers, send)
            return
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else self._body
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def _deny(self, scope: Scope, headers: list[tuple[bytes, bytes]], send: Send) -> None:
        # What servers need not offer, the framework's types leave out of a scope.
        offered = cast("Mapping[str, Mapping[str, object] | None]", scope).get("extensions")
        if _DENIAL not in (offered or {}):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": None})
            return
        messages: tuple[Message, ...] = (
            {"type": "websocket.http.response.start", "status": self._status, "headers": headers},
            {"type": "websocket.http.response.body", "body": self._body, "more_body": False},
        )
        for message in messages:
            await send(message)
