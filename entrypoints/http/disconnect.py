"""Work ends when the client hangs up, or the server shuts down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from domain.errors import ClientDisconnectedError, UpstreamUnavailableError

if TYPE_CHECKING:
    from types import TracebackType

    from litestar.types import Receive


# Who leaves earlier than this is noticed then; a task for each of the many requests that are
# answered by then costs a twentieth of their time.
_NOTICE_S = 0.02

# The message of a cancellation that ends a request because the server ends.
CUT = "the server is shutting down"


def serving_task() -> asyncio.Task[object]:
    """Return the task that serves the request at hand."""
    task = asyncio.current_task()
    if task is None:
        message = "A request is served by a task."
        raise RuntimeError(message)
    return task


def stopping() -> UpstreamUnavailableError:
    """Return what a client is told of a server that ends."""
    message = "The server is shutting down; try again shortly."
    return UpstreamUnavailableError(message, code="server_shutting_down")


class HangUp:
    """While entered, cancels the task that entered it as soon as the client is gone.

    Litestar cancels no handler when the client leaves, and uvicorn drops what is sent to a
    closed socket in silence. The body of the request must have been read before.

    Raises:
        ClientDisconnectedError: on leaving, in place of the cancellation.
        UpstreamUnavailableError: on leaving, in place of a cancellation with ``CUT``.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = serving_task()
        self._cancelling = self._task.cancelling()
        self._timer = asyncio.get_running_loop().call_later(_NOTICE_S, self._begin)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        # As asyncio.timeout does: a cancellation from elsewhere at the same time wins.
        if self._gone and self._task.uncancel() <= self._cancelling:
            message = "The client closed the connection."
            raise ClientDisconnectedError(message) from error
        if isinstance(error, asyncio.CancelledError) and error.args == (CUT,):
            self._task.uncancel()
            raise stopping() from error

    def _begin(self) -> None:
        self._watch = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._task.cancel()
