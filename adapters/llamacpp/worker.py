"""One request between a thread that generates and a loop that reads."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent import futures
from typing import TYPE_CHECKING

from adapters.llamacpp import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.llamacpp.engine import Engine


class Worker:
    """A request in line for a thread, on it, or done; made and read on one event loop.

    Args:
        engine: what answers.
        request: what it is asked with.
        executor: the threads.
        bare: the request holds a prompt that no chat template touches.
    """

    def __init__(
        self, engine: Engine, request: bytes, executor: futures.Executor, *, bare: bool = False
    ) -> None:
        self._engine = engine
        self._request = request
        self._bare = bare
        self._loop = asyncio.get_running_loop()
        self._chunks: list[bytes] = []
        self._news = asyncio.Event()
        self._left = asyncio.Event()
        # Set on the loop, looked at before each chunk on the thread.
        self._stopped = False
        self._future = executor.submit(self._run)
        self._future.add_done_callback(lambda _: self._post(self._leave))

    async def read(self) -> list[bytes]:
        """Return the chunks that came since the last call; none once the answer has ended.

        Raises:
            ServiceError: the engine refused the request, or failed.
        """
        await self._news.wait()
        chunks, self._chunks = self._chunks, []
        if not self._left.is_set():
            self._news.clear()
        elif not chunks:
            self._outcome()
        return chunks

    async def stop(self) -> None:
        """Return once no thread works on the request, which one not yet begun never will be.

        That takes one more token, or one more batch of the prompt. If the wait is cancelled,
        the thread leaves all the same.
        """
        self._stopped = True
        self._future.cancel()
        await self._left.wait()

    def _outcome(self) -> None:
        try:
            self._future.result()
        except futures.CancelledError as error:
            raise errors.stopping() from error

    def _run(self) -> None:
        self._engine.generate(self._request, self._take, bare=self._bare)

    def _take(self, data: bytes) -> bool:
        """Hand a chunk to the loop; True once nobody wants more."""
        return self._stopped or not self._post(self._arrive, data)

    def _post(self, call: Callable[..., None], *arguments: bytes) -> bool:
        # A loop that was closed in the meantime has no readers left.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call, *arguments)
            return True
        return False

    def _arrive(self, data: bytes) -> None:
        self._chunks.append(data)
        self._news.set()

    def _leave(self) -> None:
        self._left.set()
        self._news.set()
