"""An orderly end: no new work, then no work."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entrypoints.http import errors
from entrypoints.http.calls import CALLS
from entrypoints.http.disconnect import CUT, serving_task, stopping

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

_LIVENESS = "/healthz"


class Drain:
    """Knows the requests under way.

    After ``begin`` new requests are refused, readiness among them; ``cut`` ends what is left,
    each with an error that its client can read: what knows a better one than a status, a stream
    that has begun, reports it by itself.
    """

    def __init__(self) -> None:
        self._draining = False
        self._tasks: set[asyncio.Task[object]] = set()
        self._idle: set[asyncio.Task[object]] = set()

    def begin(self) -> None:
        """Take no more work, and end what only waits for some."""
        self._draining = True
        for task in self._idle:
            task.cancel(CUT)

    def cut(self) -> None:
        """End the work under way."""
        for task in self._tasks:
            task.cancel(CUT)

    @contextmanager
    def idle(self) -> Generator[None]:
        """While entered, the current task waits for a client and does no work.

        ``begin`` cuts it then.

        Raises:
            UpstreamUnavailableError: on entering, as ``begin`` was called before.
        """
        if self._draining:
            raise stopping()
        task = serving_task()
        self._idle.add(task)
        try:
            yield
        finally:
            self._idle.discard(task)

    def around(self, app: ASGIApp) -> ASGIApp:
        """Return ``app`` with its requests under this drain."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] not in CALLS:
                await app(scope, receive, send)
                return
            if self._draining and scope["path"] != _LIVENESS:
                await errors.reply(stopping(), scope)(scope, receive, send)
                return
            task = serving_task()
            started = False

            def sending(message: Message) -> Awaitable[None]:
                nonlocal started
                started = True
                return send(message)

            self._tasks.add(task)
            try:
                await app(scope, receive, sending)
            except asyncio.CancelledError as error:
                if started or error.args != (CUT,):
                    raise
                task.uncancel()
                await errors.reply(stopping(), scope)(scope, receive, send)
            finally:
                self._tasks.discard(task)

        return guarded
