"""Who may ask: deny by default."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any, cast

from application.admitted import CALLER
from domain.errors import AuthenticationError
from entrypoints.http.calls import CALLS
from entrypoints.http.errors import envelope
from entrypoints.http.replies import JSONReply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.types import ASGIApp, Receive, Scope, Send

# Open to everyone, each for itself and what lies beneath it: probes, and the pages that have the
# place to enter a key. Everything else, routes of tomorrow included, needs a key.
PUBLIC = ("/healthz", "/readyz", "/docs", "/playground")

_BEARER = b"bearer "
_OWNER = "owner"
_EVERYONE = "everyone"


class KeyCheck:
    """Lets a request pass that has one of ``keys``; with no keys, every request.

    A key comes as ``x-api-key`` or as ``Authorization: Bearer``; who sends both must send the
    same. It stands around the whole application, so that unknown paths are guarded, too.
    """

    def __init__(self, app: ASGIApp, keys: Iterable[str]) -> None:
        self._app = app
        encoded = [key.encode() for key in keys]
        self._owners = {_digest(key): _owner(key) for key in encoded}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._owners or scope["type"] not in CALLS or _is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            whose = self._check(_key(scope["headers"]))
        except AuthenticationError as error:
            shown = envelope(error)
            await JSONReply(shown.body, shown.status, shown.headers)(scope, receive, send)
            return
        _state(scope)[_OWNER] = whose
        CALLER.set(whose)
        await self._app(scope, receive, send)

    def _check(self, key: bytes) -> str:
        """Return the key's owner."""
        given = _digest(key)
        # No early exit: the time taken tells nothing of which key it was.
        matches = [hmac.compare_digest(given, known) for known in self._owners]
        if not any(matches):
            message = "Incorrect API key provided."
            raise AuthenticationError(message, code="invalid_api_key")
        return self._owners[given]


def owner(scope: Scope) -> str:
    """Return whose the things are that a request makes and finds: its key's, or everyone's."""
    found: str = _state(scope).get(_OWNER, _EVERYONE)
    return found


def _state(scope: Scope) -> dict[str, Any]:
    # A server without a lifespan leaves it out, whatever its type says.
    state: dict[str, Any] = cast("dict[str, Any]", scope).setdefault("state", {})
    return state


def _owner(key: bytes) -> str:
    # Of its own kind: what a store keeps tells nothing of what keys are compared by.
    return hashlib.blake2b(key, digest_size=16, person=b"owner").hexdigest()


def _is_public(path: str) -> bool:
    # The root is open by itself alone: everything lies beneath it.
    return path == "/" or any(path == public or path.startswith(f"{public}/") for public in PUBLIC)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def _key(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    keys = {
        value if name == b"x-api-key" else _bearer(value)
        for name, value in headers
        if name in (b"x-api-key", b"authorization")
    }
    if len(keys) != 1 or keys == {b""}:
        message = (
            "This server needs one API key: send it as 'Authorization: Bearer KEY' "
            "or as 'x-api-key: KEY'."
        )
        raise AuthenticationError(message, code="invalid_api_key")
    return keys.pop()


def _bearer(value: bytes) -> bytes:
    return value[len(_BEARER) :].strip() if value[: len(_BEARER)].lower() == _BEARER else b""
