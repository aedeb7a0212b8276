"""Gathering calls that come together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sized

# Calls that are done together, at most.
TOGETHER = 64
# Turns of the loop without another call after which those that wait are begun with.
_QUIET_TURNS = 4


class Lull:
    """Calls ``act`` once nothing more comes to ``waiting`` for a moment, or enough has come."""

    def __init__(self, waiting: Sized, act: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        self._waiting = waiting
        self._act = act
        self._gathering: asyncio.AbstractEventLoop | None = None

    def stir(self, loop: asyncio.AbstractEventLoop) -> None:
        """Note that something has come."""
        # A loop that is gone gathers no more.
        if self._gathering is not loop:
            self._gathering = loop
            self._gather(loop, 0, _QUIET_TURNS)

    def _gather(self, loop: asyncio.AbstractEventLoop, before: int, turns: int) -> None:
        count = len(self._waiting)
        if turns and count < TOGETHER:
            left = _QUIET_TURNS if count > before else turns - 1
            loop.call_soon(self._gather, loop, count, left)
        else:
            self._gathering = None
            self._act(loop)
