"""How late the event loop comes to what is due."""

from __future__ import annotations

import asyncio

import structlog

from application.figures import Distribution

_log = structlog.stdlib.get_logger()

_EVERY_S = 0.1
# Whatever holds the loop up for so long holds up every answer.
_LONG_S = 0.5
_BOUNDS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class LoopLag:
    """Looks ten times a second; while started. A stall of half a second leaves a warning.

    Attributes:
        delays: seconds by which a look came late.
    """

    def __init__(self) -> None:
        self.delays = Distribution(_BOUNDS_S)
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look at the running loop."""
        self._wait(asyncio.get_running_loop())

    def stop(self) -> None:
        """Look no more; does nothing the second time."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        due = loop.time() + _EVERY_S
        self._timer = loop.call_at(due, self._look, loop, due)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        # A clock of coarse steps may say that it came early.
        late = max(0.0, loop.time() - due)
        self.delays.add(late)
        if late > _LONG_S:
            _log.warning("event_loop_stalled", stalled_ms=round(late * 1000))
        self._wait(loop)
