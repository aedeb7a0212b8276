"""Which pages in a browser may ask: none, unless settings name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.enums import ScopeType

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

_ANY = "*"
_METHODS = b"GET, POST, DELETE, HEAD, OPTIONS"
_HEADERS = frozenset({"accept", "authorization", "content-type", "x-api-key", "x-request-id"})
_HEADER_FAMILIES = ("openai-", "x-stainless-")
_RATES = b"".join(
    b", x-ratelimit-%b-%b" % (of, what)
    for what in (b"requests", b"tokens")
    for of in (b"limit", b"remaining", b"reset")
)
_EXPOSED = b"x-request-id, x-ignored-parameters, retry-after, x-should-retry" + _RATES
_MAX_AGE_S = b"600"


class CORS:
    """Answers preflights and tells browsers which answers a page may read.

    Keys travel in headers that pages set themselves, so credentials of the browser's own are
    never allowed, and ``*`` for every origin is safe.

    Args:
        app: what answers everything but preflights; the key check is in it, as preflights never
            bring a key.
        origins: origins such as ``https://chat.example.com``, or ``*``.
    """

    def __init__(self, app: ASGIApp, origins: Iterable[str]) -> None:
        self._app = app
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        # Caches must not give one page's answer to another, the refused one included.
        self._vary = [] if _ANY in self._origins else [(b"vary", b"origin")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        given = dict(scope["headers"])
        origin = given.get(b"origin")
        if origin is None:
            await self._app(scope, receive, send)
            return
        allowed = self._allowed(origin)
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in given:
            headers = [*allowed, *(_preflight(given) if allowed else ()), *self._vary]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                exposed = [(b"access-control-expose-headers", _EXPOSED)] if allowed else []
                message["headers"] = [*message["headers"], *allowed, *exposed, *self._vary]
            await send(message)

        await self._app(scope, receive, sending)

    def _allowed(self, origin: bytes) -> list[tuple[bytes, bytes]]:
        if _ANY in self._origins:
            return [(b"access-control-allow-origin", b"*")]
        if origin.decode("latin-1").lower() in self._origins:
            return [(b"access-control-allow-origin", origin)]
        return []


def _preflight(given: dict[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-max-age", _MAX_AGE_S),
    ]
    names = given.get(b"access-control-request-headers", b"").decode("latin-1").lower().split(",")
    taken = [name for part in names if _is_taken(name := part.strip())]
    if taken:
        headers.append((b"access-control-allow-headers", ", ".join(taken).encode("latin-1")))
    # A page from elsewhere that asks a server on this machine; Chromium asks for leave first.
    if given.get(b"access-control-request-private-network") == b"true":
        headers.append((b"access-control-allow-private-network", b"true"))
    return headers


def _is_taken(name: str) -> bool:
    return name in _HEADERS or name.startswith(_HEADER_FAMILIES)
