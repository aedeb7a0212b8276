"""Other spellings of a path, brought to the one that everything behind this knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrypoints.http.calls import CALLS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from litestar.types import ASGIApp, Receive, Scope, Send

_VERSION = "/v1"
# What may be asked without the version in front.
_VERSIONED = frozenset(
    {"chat", "completions", "conversations", "embeddings", "models", "responses"}
)


class Paths:
    """Takes ``/models/`` for ``/v1/models``: the version may be missing, slashes may follow.

    It stands in front of the key check: what is checked is what is served.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] in CALLS:
            path = scope["path"]
            if not path.startswith("/v1/") or path.endswith("/"):
                scope["path"] = plain(path)
        return self._app(scope, receive, send)


def plain(path: str) -> str:
    """Return the one spelling of ``path``."""
    path = path.rstrip("/") or "/"
    if path[1:].partition("/")[0] in _VERSIONED:
        return _VERSION + path
    return path
