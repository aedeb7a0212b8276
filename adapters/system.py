"""The machine's clock and its source of chance."""

from __future__ import annotations

import os
import time


class SystemClock:
    """The clocks of this machine."""

    def unix_time(self) -> int:
        return int(time.time())

    def monotonic(self) -> float:
        return time.monotonic()


class RandomIds:
    """Identifiers of 96 random bits."""

    def new(self, prefix: str) -> str:
        return prefix + os.urandom(12).hex()
