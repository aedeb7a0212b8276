"""How many answers are generated at a time, and who is next."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from contextlib import suppress
from time import perf_counter

from application.figures import WAIT_S, Distribution
from domain.errors import OverloadedError, UpstreamUnavailableError

_FULL = "Too many requests are waiting; try again shortly."
_IN_VAIN = "The request waited for the model server for too long; try again shortly."


class Admission:
    """Lets so many through at a time and keeps a bounded line behind them, fair between callers.

    Each caller has a line of its own, first come, first served; the callers take turns. Where
    the line is full, a newcomer takes the latest place of the caller with the longest line if
    its own is shorter.

    Args:
        places: answers under way at a time.
        line: callers' requests that may wait.
        wait_s: how long one waits at most.

    Attributes:
        places: as given, or changed since.
        line: as given.
        waiting: requests in line.
        running: answers under way.
        waits: seconds in line of those that got a place.
        refusals: of those that got none, by the errors' codes.
    """

    def __init__(self, places: int, line: int, wait_s: float) -> None:
        self.places = places
        self.line = line
        self._wait_s = wait_s
        # Whoever is first has the next turn.
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self.waiting = 0
        self.running = 0
        self.waits = Distribution(WAIT_S)
        # From the start, so that the first of a kind shows as an increase.
        self.refusals = Counter({"queue_full": 0, "queue_timeout": 0})

    async def enter(self, caller: str) -> float:
        """Wait for a place; return for how many seconds. Whoever gets one gives it back.

        Raises:
            OverloadedError: the line is full (code ``queue_full``).
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        if self.enter_now():
            return 0.0
        began = perf_counter()
        try:
            await self._wait(caller)
        except (OverloadedError, UpstreamUnavailableError) as error:
            self.refusals[error.code or ""] += 1
            raise
        waited_s = perf_counter() - began
        self.waits.add(waited_s)
        return waited_s

    def enter_now(self) -> bool:
        """Return whether there was a place at once; whoever gets one gives it back."""
        if self.running >= self.places or self.waiting:
            return False
        self.running += 1
        self.waits.counts[0] += 1
        return True

    async def _wait(self, caller: str) -> None:
        if self.waiting >= self.line:
            self._make_room(caller)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(caller, deque()).append(turn)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except TimeoutError as error:
            self._forget(caller, turn)
            raise UpstreamUnavailableError(_IN_VAIN, code="queue_timeout") from error
        except BaseException:
            self._forget(caller, turn)
            raise

    def leave(self) -> None:
        """Give a place back; the next in line has it at once."""
        self.running -= 1
        self._next()

    def change(self, places: int) -> None:
        """Have so many places from now on; whoever has one keeps it."""
        self.places = places
        self._next()

    def _next(self) -> None:
        while self.running < self.places and self._lines:
            caller, line = next(iter(self._lines.items()))
            turn = line.popleft()
            self.waiting -= 1
            if line:
                self._lines.move_to_end(caller)
            else:
                del self._lines[caller]
            if not turn.done():
                self.running += 1
                turn.set_result(None)

    def _make_room(self, caller: str) -> None:
        own = len(self._lines.get(caller, ()))
        heaviest = max(self._lines, key=lambda name: len(self._lines[name]), default=caller)
        if not self._lines or own >= len(self._lines[heaviest]) - 1:
            raise OverloadedError(_FULL, code="queue_full")
        turn = self._lines[heaviest].pop()
        self.waiting -= 1
        if not turn.done():
            turn.set_exception(OverloadedError(_FULL, code="queue_full"))

    def _forget(self, caller: str, turn: asyncio.Future[None]) -> None:
        """Leave the line; a place that was granted in the same moment goes to the next."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self.leave()
            return
        line = self._lines.get(caller)
        if line is None:
            return
        with suppress(ValueError):
            line.remove(turn)
            self.waiting -= 1
        if not line:
            del self._lines[caller]
