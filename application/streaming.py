"""Streams that have begun, that cannot hang, and whose events are rewritten on their way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from domain.accumulate import Accumulator
from domain.errors import UpstreamProtocolError, UpstreamTimeoutError
from domain.events import Finished

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from application.ports.llm import ChatStream
    from domain.chat import ChatResult
    from domain.events import ChatEvent


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may take, in seconds.

    Attributes:
        first_token_s: until its first event; loading the model counts.
        idle_s: between two events.
        total_s: from its begin to its end.
    """

    first_token_s: float = 600.0
    idle_s: float = 120.0
    total_s: float = 3600.0


class PrimedStream:
    """A stream whose first batch has arrived and whose silences are bounded."""

    def __init__(
        self,
        first: Sequence[ChatEvent],
        stream: ChatStream,
        limits: Limits,
        end: float,
    ) -> None:
        self._first: Sequence[ChatEvent] | None = first
        self._finished = False
        self._stream = stream
        self._limits = limits
        self._end = end
        self._loop = asyncio.get_running_loop()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        batch = self._first
        if batch is None:
            batch = await self._next()
        self._first = None
        # What has finished is not waited for: that would take a timer.
        self._finished = isinstance(batch[-1], Finished)
        return batch

    async def _next(self) -> Sequence[ChatEvent]:
        if self._finished:
            raise StopAsyncIteration
        deadline = min(self._loop.time() + self._limits.idle_s, self._end)
        try:
            async with asyncio.timeout_at(deadline):
                return await anext(self._stream)
        except TimeoutError as error:
            raise _too_slow(ended=self._loop.time() >= self._end) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


class RewrittenStream:
    """An answer whose events are rewritten batch by batch; of a batch nothing may be left."""

    def __init__(
        self,
        stream: ChatStream,
        rewrite: Callable[[Sequence[ChatEvent]], Sequence[ChatEvent]],
    ) -> None:
        self._stream = stream
        self._rewrite = rewrite

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        while True:
            if events := self._rewrite(await anext(self._stream)):
                return events

    async def aclose(self) -> None:
        await self._stream.aclose()


async def primed(opening: Awaitable[ChatStream], limits: Limits) -> PrimedStream:
    """Await an answer's start and its first batch; the caller closes the stream.

    A missing model or a refused connection so shows before anything is sent to a client.

    Raises:
        UpstreamTimeoutError: there was no first event in time.
        ServiceError: as ``opening``.
    """
    loop = asyncio.get_running_loop()
    begin = loop.time()
    end = begin + limits.total_s
    try:
        async with asyncio.timeout_at(min(begin + limits.first_token_s, end)):
            stream = await opening
            first = await _first(stream)
    except TimeoutError as error:
        message = "The model server sent no first token in time; it may still be loading the model."
        raise UpstreamTimeoutError(message, code="first_token_timeout") from error
    return PrimedStream(first, stream, limits, end)


async def fold(stream: ChatStream) -> ChatResult:
    """Return the whole of an answer, and close its stream.

    Raises:
        UpstreamProtocolError: it ended before it was complete.
        ServiceError: it failed.
    """
    answer = Accumulator()
    try:
        async for batch in stream:
            answer.feed(batch)
    finally:
        await stream.aclose()
    if answer.result is None:
        message = "The model server ended its answer before it was complete."
        raise UpstreamProtocolError(message, code="upstream_truncated")
    return answer.result


async def _first(stream: ChatStream) -> Sequence[ChatEvent]:
    try:
        return await anext(stream)
    except StopAsyncIteration:
        await stream.aclose()
        message = "The model server sent an empty answer."
        raise UpstreamProtocolError(message, code="upstream_truncated") from None
    except BaseException:
        await stream.aclose()
        raise


def _too_slow(*, ended: bool) -> UpstreamTimeoutError:
    if ended:
        message = "The answer took longer than the longest time allowed."
        return UpstreamTimeoutError(message, code="total_timeout")
    message = "The model server stopped sending in the middle of its answer."
    return UpstreamTimeoutError(message, code="idle_timeout")
