"""New responses, written together."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from redis.exceptions import ResponseError

from adapters.stores.lull import TOGETHER, Lull

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from adapters.stores.valkey.server import Word

# Of responses that are written together, unless one alone is larger: a server holds all of it at
# once, and does nothing else meanwhile.
_MOST_BYTES = 1024 * 1024


class _Put(NamedTuple):
    key: str
    words: Sequence[Word]
    size: int
    told: asyncio.Future[None]


class Puts:
    """Responses that come together are written together: most of the cost is asking at all.

    Args:
        write: writes responses, given their keys and what is said of them, one after the other.
    """

    def __init__(self, write: Callable[[Sequence[str], Sequence[Word]], Awaitable[None]]) -> None:
        self._write = write
        self._waiting: deque[_Put] = deque()
        self._lull = Lull(self._waiting, self._hand_over)
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, key: str, words: Sequence[Word], size: int) -> None:
        """Write a response of about ``size`` bytes; return once that was done.

        Raises:
            StoreError: the server fails, or refuses.
        """
        loop = asyncio.get_running_loop()
        told: asyncio.Future[None] = loop.create_future()
        self._waiting.append(_Put(key, words, size, told))
        self._lull.stir(loop)
        await told

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        while puts := self._next():
            task = loop.create_task(self._do(puts))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self) -> list[_Put]:
        puts: list[_Put] = []
        size = 0
        while self._waiting and len(puts) < TOGETHER:
            size += self._waiting[0].size
            if puts and size > _MOST_BYTES:
                break
            puts.append(self._waiting.popleft())
        return puts

    async def _do(self, puts: Sequence[_Put]) -> None:
        puts = [put for put in puts if not put.told.done()]
        words = [word for put in puts for word in put.words]
        try:
            if puts:
                await self._write([put.key for put in puts], words)
        except Exception as error:  # noqa: BLE001 - whoever called is told
            if len(puts) == 1 or not isinstance(error.__cause__, ResponseError):
                _tell(puts, error)
                return
            # What the server refuses of one, others may have; to write one twice does no harm.
            for put in puts:
                await self._do([put])
        else:
            _tell(puts, None)


def _tell(puts: Sequence[_Put], error: Exception | None) -> None:
    for put in puts:
        if put.told.done():
            continue
        if error is None:
            put.told.set_result(None)
        else:
            put.told.set_exception(error)
