"""By which names the service may be called.

A web page can have its own name point to this machine and then talk to a service here as if it
were its own (DNS rebinding). The name is in the ``Host`` header.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from entrypoints.http import errors
from entrypoints.http.calls import CALLS
from entrypoints.http.replies import JSONReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from litestar.types import ASGIApp, Receive, Scope, Send

_MISDIRECTED = 421
_HOST = re.compile(r"(?:\[([^\[\]]*)\]|([^:\[\]]*))(?::\d*)?")


class Hosts:
    """Refuses requests for hosts other than ``allowed``, ports and case aside."""

    def __init__(self, app: ASGIApp, allowed: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] not in CALLS or self._is_allowed(scope):
            return self._app(scope, receive, send)
        message = (
            "This server does not answer for the host of this request; "
            "ALLOWED_HOSTS names those that it answers for."
        )
        body = errors.encode(message, "invalid_request_error", code="unknown_host")
        return JSONReply(body, _MISDIRECTED)(scope, receive, send)

    def _is_allowed(self, scope: Scope) -> bool:
        named = [value for name, value in scope["headers"] if name == b"host"]
        return len(named) == 1 and bare(named[0]) in self._allowed


@lru_cache(maxsize=16)
def bare(value: bytes) -> str:
    """Return a ``Host`` header's name in lower case, without its port or brackets.

    What is none is no name at all.
    """
    found = _HOST.fullmatch(value.decode("latin-1").lower())
    return (found[1] or found[2]) if found else ""
