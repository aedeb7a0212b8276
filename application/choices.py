"""Several answers to one request, side by side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Iterable, Sequence

    from application.ports.llm import ChatStream
    from domain.events import ChatEvent

T = TypeVar("T")


class ChoiceStream(Protocol):
    """Answers under way: each step yields a choice's index and a batch of its events."""

    def __aiter__(self) -> Self:
        """Return the stream itself."""
        ...

    async def __anext__(self) -> tuple[int, Sequence[ChatEvent]]:
        """Return the next batch of any choice; ends when every choice has finished.

        Raises:
            ServiceError: a choice failed; the others are of no use then.
        """
        ...

    async def aclose(self) -> None:
        """Stop all of them."""
        ...


class OneChoice:
    """A single answer as a stream of choices."""

    def __init__(self, stream: ChatStream) -> None:
        self._stream = stream

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Sequence[ChatEvent]]:
        return 0, await anext(self._stream)

    async def aclose(self) -> None:
        await self._stream.aclose()


class ManyChoices:
    """Answers generated at the same time, each by a task of its own."""

    def __init__(self, opening: Sequence[Awaitable[ChatStream]]) -> None:
        # As many places as choices: a client that does not read stops all of them.
        self._ready: asyncio.Queue[tuple[int, Sequence[ChatEvent]] | Exception | None] = (
            asyncio.Queue(len(opening))
        )
        self._left = len(opening)
        self._first: tuple[int, Sequence[ChatEvent]] | None = None
        self._tasks = [
            asyncio.create_task(self._pump(index, stream)) for index, stream in enumerate(opening)
        ]

    async def prime(self) -> None:
        """Await the first batch of any choice; stop all if that fails."""
        try:
            self._first = await anext(self)
        except BaseException:
            await self.aclose()
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Sequence[ChatEvent]]:
        if (first := self._first) is not None:
            self._first = None
            return first
        while self._left:
            item = await self._ready.get()
            if isinstance(item, Exception):
                raise item
            if item is not None:
                return item
            self._left -= 1
        raise StopAsyncIteration

    async def aclose(self) -> None:
        await _end(self._tasks)

    async def _pump(self, index: int, opening: Awaitable[ChatStream]) -> None:
        try:
            stream = await opening
            try:
                async for batch in stream:
                    await self._ready.put((index, batch))
            finally:
                await stream.aclose()
        except Exception as error:  # noqa: BLE001 - handed over to the reader, which raises it
            await self._ready.put(error)
        else:
            await self._ready.put(None)


async def all_of(works: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """Return the results of ``works``, run side by side; the first failure ends the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


async def _end(tasks: Sequence[asyncio.Task[T]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
