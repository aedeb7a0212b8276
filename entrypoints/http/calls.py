"""What a client calls a server with: a request, or a WebSocket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.enums import ScopeType

if TYPE_CHECKING:
    from litestar.types import Scope

# What else a server tells an application of is the server's own: its start and its end.
CALLS = (ScopeType.HTTP, ScopeType.WEBSOCKET)


def method(scope: Scope) -> str:
    """Return the method of a call; the handshake of a WebSocket is a GET."""
    return scope["method"] if scope["type"] == ScopeType.HTTP else "GET"
