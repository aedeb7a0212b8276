"""Which WebSockets may be opened, and where they lead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.enums import ScopeType
from litestar.exceptions import NotFoundException

from domain.errors import PermissionDeniedError
from entrypoints.http import errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from litestar.types import ASGIApp, Receive, Scope, Send

_ANY = "*"


class Handshakes:
    """Takes WebSockets past the framework, and refuses those of pages from elsewhere.

    A browser lets every page open a WebSocket to every server: nothing like CORS holds it back,
    and what it tells of the page is in the ``Origin`` header alone.

    Args:
        app: what answers everything else.
        sockets: what answers WebSockets, by path.
        origins: as for ``CORS``.
    """

    def __init__(
        self, app: ASGIApp, sockets: Mapping[str, ASGIApp], origins: Iterable[str]
    ) -> None:
        self._app = app
        self._sockets = sockets
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self._app if scope["type"] != ScopeType.WEBSOCKET else self._socket(scope)
        return app(scope, receive, send)

    def _socket(self, scope: Scope) -> ASGIApp:
        socket = self._sockets.get(scope["path"])
        if socket is None:
            return errors.reply(NotFoundException(), scope)
        if not self._may_open(scope["headers"]):
            message = "Pages of this origin may not open WebSockets here."
            error = PermissionDeniedError(message, code="origin_not_allowed")
            return errors.reply(error, scope)
        return socket

    def _may_open(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        given = [(name, value.decode("latin-1").lower()) for name, value in headers]
        hosts = [value for name, value in given if name == b"host"]
        return all(self._is_known(origin, hosts) for name, origin in given if name == b"origin")

    def _is_known(self, origin: str, hosts: list[str]) -> bool:
        if _ANY in self._origins or origin in self._origins:
            return True
        # The scheme may be another where a proxy ends TLS; the host is what the browser asked.
        return [origin.partition("://")[2]] == hosts
