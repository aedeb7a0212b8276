"""Who may ask: deny by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from application.admitted import CALLER
from application.allowance import VISIT, Visit
from application.work import WORK
from domain.errors import AuthenticationError, PermissionDeniedError, RateLimitError
from entrypoints.http import rate_headers
from entrypoints.http.calls import CALLS, method
from entrypoints.http.errors import envelope
from entrypoints.http.replies import JSONReply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

    from application.allowance import Allowance
    from application.keyring import Caller
    from entrypoints.key_watch import KeyWatch

# Open to everyone, each for itself and what lies beneath it: probes, and the pages that have the
# place to enter a key. Everything else, routes of tomorrow included, needs a key.
PUBLIC = ("/healthz", "/readyz", "/docs", "/playground")

_BEARER = b"bearer "
_CALLER = "caller"
_KEYS = "keys"
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_EVERYONE = "everyone"


class KeyCheck:
    """Lets a request pass that has one of ``keys``; where none is needed, every request.

    A key comes as ``x-api-key`` or as ``Authorization: Bearer``; who sends both must send the
    same. It stands around the whole application, so that unknown paths are guarded, too.

    Args:
        app: what is guarded.
        keys: those that open the service.
        public: further paths that are open to everyone.
    """

    def __init__(self, app: ASGIApp, keys: KeyWatch, public: Iterable[str] = ()) -> None:
        self._app = app
        # The root is open by itself alone: everything lies beneath it.
        self._public = frozenset({"/", *PUBLIC, *public})
        self._beneath = tuple(f"{path}/" for path in (*PUBLIC, *public))
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._keys.closed or scope["type"] not in CALLS or self._is_public(scope):
            await self._app(scope, receive, send)
            return
        app = self._app
        try:
            caller = self._check(_key(scope["headers"]))
            state = _state(scope)
            state[_CALLER], state[_KEYS] = caller, self._keys
            CALLER.set(caller.owner or _EVERYONE)
            if (work := WORK.get()) is not None:
                work.key = caller.name
            if caller.allowance is not None:
                send = _telling(send, caller.allowance)
            await _visit(caller.allowance, counted=method(scope) == "POST")
        except (AuthenticationError, RateLimitError) as error:
            shown = envelope(error)
            app = JSONReply(shown.body, shown.status, shown.headers)
        await app(scope, receive, send)

    def _is_public(self, scope: Scope) -> bool:
        path = scope["path"]
        return path in self._public or path.startswith(self._beneath)

    def _check(self, key: bytes) -> Caller:
        """Return whose key it is."""
        caller = self._keys.find(key)
        if caller is None:
            raise _incorrect()
        return caller


def owner(scope: Scope) -> str:
    """Return whose the things are that a request makes and finds: its key's, or everyone's."""
    caller: Caller | None = _state(scope).get(_CALLER)
    return _EVERYONE if caller is None or caller.owner is None else caller.owner


def check_all_models(scope: Scope) -> None:
    """Return if whoever asks may know of all models.

    Raises:
        PermissionDeniedError: the key is for some models.
    """
    caller: Caller | None = _state(scope).get(_CALLER)
    if caller is not None and caller.allowance is not None and caller.allowance.limits.models:
        message = "This API key is for some models only, and what is asked for names all of them."
        raise PermissionDeniedError(message, code="insufficient_permissions")


async def begin_turn(scope: Scope) -> None:
    """Count what comes on a connection that stays open as one more request of its caller.

    Raises:
        AuthenticationError: its key is one no more.
        RateLimitError: the caller has none left.
    """
    caller: Caller | None = _state(scope).get(_CALLER)
    if caller is None:
        return
    keys: KeyWatch = _state(scope)[_KEYS]
    keys.look()
    if not caller.valid:
        raise _incorrect()
    await _visit(caller.allowance, counted=True)


async def _visit(allowance: Allowance | None, *, counted: bool) -> None:
    # Set either way: a task that serves a pipelined request inherits what the one before it set.
    VISIT.set(None if allowance is None else Visit(allowance))
    if allowance is not None:
        account = allowance.account
        # What only looks is free: whoever polls would use up what it waits for.
        await (account.admit() if counted else account.look())


def _telling(send: Send, allowance: Allowance) -> Send:
    """Return a ``send`` that adds how a caller's limits stand."""

    async def sending(message: Message) -> None:
        if message["type"] in _STARTS:
            start = cast("HTTPResponseStartEvent", message)
            start["headers"] = [*start["headers"], *rate_headers.headers(allowance)]
        await send(message)

    return sending


def _incorrect() -> AuthenticationError:
    return AuthenticationError("Incorrect API key provided.", code="invalid_api_key")


def _state(scope: Scope) -> dict[str, Any]:
    # A server without a lifespan leaves it out, whatever its type says.
    state: dict[str, Any] = cast("dict[str, Any]", scope).setdefault("state", {})
    return state


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
