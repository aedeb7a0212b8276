"""A worker's side: places and accounts that its parent keeps."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, TypeAlias, cast

import msgspec

from adapters.transport.ndjson import LineSplitter, split
from adapters.workers import wire
from domain.rates import Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.ports.system import ClockPort
    from domain.keys import KeyLimits

# Each piece of each answer counts; the parent is told of them together.
_TELL_EVERY_S = 0.05

_Answer: TypeAlias = wire.Granted | wire.Refused | wire.Collected


class Link(asyncio.Protocol):
    """The connection to the parent.

    Args:
        clock: the clock by which rates count; the parent's is the same.

    Attributes:
        on_end: what happens when the parent is no more.
        figures: gives this worker's figures.
    """

    def __init__(self, clock: ClockPort) -> None:
        self.now = clock.monotonic
        self.figures: Callable[[], bytes] = bytes
        self.on_end: Callable[[], None] = _nothing
        self._lines = LineSplitter(wire.LINE_LIMIT_BYTES)
        self._transport: asyncio.WriteTransport | None = None
        self._asked: dict[int, asyncio.Future[_Answer]] = {}
        self._tickets = 0
        self._accounts = 0
        # Accounts are opened with the keys, which are read before there is a connection.
        self._early: list[bytes] | None = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.writelines(self._early or ())
        self._early = None

    def data_received(self, data: bytes) -> None:
        """Take what the parent answers, and what it asks."""
        for line in split(self._lines.feed(data)):
            message = wire.from_parent.decode(line)
            if isinstance(message, wire.Show):
                self.tell(wire.Figures(msgspec.Raw(self.figures())))
            elif (asked := self._asked.pop(message.ticket, None)) and not asked.done():
                asked.set_result(message)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """End with the parent."""
        self._transport = None
        self.on_end()

    def ready(self) -> None:
        """Say that this worker serves."""
        self.tell(wire.Ready())

    def close(self) -> None:
        """Leave the parent; it takes back what is held here."""
        self.on_end = _nothing
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def open(self, whose: str, limits: KeyLimits) -> LinkedAccount:
        """Return an account of ``whose``; the parent keeps one for all workers."""
        self._accounts += 1
        self.tell(
            wire.Open(
                self._accounts,
                whose,
                limits.requests_per_minute,
                limits.tokens_per_minute,
                limits.concurrency,
            )
        )
        return LinkedAccount(self, self._accounts, limits)

    async def collect(self) -> bytes:
        """Return the figures of all workers."""
        answer = await self.ask(wire.Collect(self.ticket()))
        return bytes(cast("wire.Collected", answer).figures)

    def ticket(self) -> int:
        """Return a number for something to ask."""
        self._tickets += 1
        return self._tickets

    async def ask(self, message: wire.Enter | wire.Count | wire.Collect) -> _Answer:
        """Return the parent's answer; whoever asks no more gives back what was granted."""
        ticket = message.ticket
        asked: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._asked[ticket] = asked
        self.tell(message)
        try:
            return await asked
        except asyncio.CancelledError:
            self._asked.pop(ticket, None)
            self.tell(wire.Leave(ticket))
            raise

    def tell(self, message: wire.FromWorker) -> None:
        """Send a message; where there is no parent any more, nobody needs to know."""
        if self._early is not None:
            self._early.append(wire.line(message))
        elif self._transport is not None:
            self._transport.write(wire.line(message))


class LinkedPlaces:
    """Places that all workers share; of one account, or for everyone."""

    def __init__(self, link: Link, account: int = wire.EVERYONE) -> None:
        self._link = link
        self._account = account
        self._held: list[int] = []

    async def enter(self, caller: str) -> float:
        """Wait for a place; return for how many seconds. Whoever gets one gives it back.

        Raises:
            OverloadedError: the line is full (code ``queue_full``).
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        ticket = self._link.ticket()
        answer = await self._link.ask(wire.Enter(ticket, self._account, caller))
        if isinstance(answer, wire.Refused):
            raise wire.error_of(answer)
        self._held.append(ticket)
        return cast("wire.Granted", answer).waited_s

    def leave(self) -> None:
        """Give a place back: one is as good as another."""
        self._link.tell(wire.Leave(self._held.pop()))


class LinkedAccount:
    """An account that the parent keeps, and what was last heard of it.

    Attributes:
        requests: as the parent said last.
        tokens: as the parent said last, with what was taken here since.
    """

    def __init__(self, link: Link, number: int, limits: KeyLimits) -> None:
        self.requests = _rate(limits.requests_per_minute)
        self.tokens = _rate(limits.tokens_per_minute)
        self.now = link.now
        self._link = link
        self._number = number
        self._places = None if limits.concurrency is None else LinkedPlaces(link, number)
        self._untold = 0
        self._telling: asyncio.TimerHandle | None = None

    async def look(self) -> None:
        """Learn how the limits stand."""
        await self._count(wire.What.LOOK)

    async def admit(self) -> None:
        """Count one more request.

        Raises:
            RateLimitError: the caller has none left, or no tokens; it is not counted then.
        """
        await self._count(wire.What.ADMIT)

    async def check_places(self) -> None:
        """Return if one more request may have an answer under way.

        Raises:
            RateLimitError: too many have.
        """
        if self._places is not None:
            await self._count(wire.What.CHECK_PLACES)

    async def enter(self) -> None:
        """Wait for a place of the caller's own; without a limit there is always one.

        Raises:
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        if self._places is not None:
            await self._places.enter("")

    def leave(self) -> None:
        """Give that place back."""
        if self._places is not None:
            self._places.leave()

    def take(self, tokens: int) -> None:
        """Count tokens; a negative number gives some back."""
        if self.tokens is None:
            return
        self.tokens.take(tokens, self.now())
        self._untold += tokens
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(_TELL_EVERY_S, self.tell)

    def tell(self) -> None:
        """Let all know at once what was counted so far."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
            self._link.tell(wire.Take(self._number, self._untold))
            self._untold = 0

    async def _count(self, what: wire.What) -> None:
        # First of all: what was used counts.
        self.tell()
        answer = await self._link.ask(wire.Count(self._link.ticket(), self._number, what))
        self._learn(answer)
        if isinstance(answer, wire.Refused):
            raise wire.error_of(answer)

    def _learn(self, answer: _Answer) -> None:
        stands = None if isinstance(answer, wire.Collected) else answer.stands
        if stands is None:
            return
        if self.requests is not None:
            self.requests.full_at = _moment(stands.requests_full_at)
        if self.tokens is not None:
            self.tokens.full_at = _moment(stands.tokens_full_at)
            if self._untold:
                self.tokens.take(self._untold, self.now())


def _nothing() -> None:
    """Nothing ends with the connection."""


def _rate(per_minute: int | None) -> Rate | None:
    return None if per_minute is None else Rate(per_minute)


def _moment(full_at: float | None) -> float:
    return -math.inf if full_at is None else full_at
