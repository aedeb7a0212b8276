"""POST endpoints that take JSON, without a framework between socket and code.

Litestar resolves every dependency of a handler in a task group of its own and wraps request and
response; for the endpoints that answer every token's way that is most of a request's cost
(measured: 0.45 of 0.7 ms). So these are plain ASGI applications. Litestar's routes give them
their place in the document and answer odd spellings of the path; ``Shortcut`` goes straight.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from litestar.enums import ScopeType

from entrypoints.http import errors
from entrypoints.http.body import read_body, require_json

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

    from entrypoints.http.body import BodyRoom, BodyShare

Answer = Callable[[bytes, "Scope", "Receive"], Awaitable["ASGIApp"]]


class JSONEndpoint:
    """Reads a JSON body, has it answered and turns failures into OpenAI's envelope."""

    def __init__(self, answer: Answer, room: BodyRoom) -> None:
        self._answer = answer
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        share = self._room.share()
        try:
            reply = await self._reply(scope, receive, share)
            await reply(scope, receive, send)
        finally:
            # Until then what was asked is in memory, whatever form it has by now.
            share.free()

    async def _reply(self, scope: Scope, receive: Receive, share: BodyShare) -> ASGIApp:
        try:
            require_json(scope["headers"])
            body = await read_body(scope, receive, share)
            return await self._answer(body, scope, receive)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must be told
            return errors.reply(error, scope)


class Shortcut:
    """Takes requests for exactly these methods and paths past the framework."""

    def __init__(self, app: ASGIApp, routes: Mapping[tuple[str, str], ASGIApp]) -> None:
        self._app = app
        self._routes = routes

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        app = self._app
        if scope["type"] == ScopeType.HTTP:
            app = self._routes.get((scope["method"], scope["path"]), app)
        return app(scope, receive, send)
