"""How late the event loop comes to what is due."""

from __future__ import annotations

import asyncio

from application.figures import Distribution

_EVERY_S = 0.1
_BOUNDS_S = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class LoopLag:
    """Looks ten times a second; while started.

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
        self.delays.add(max(0.0, loop.time() - due))
        self._wait(loop)
