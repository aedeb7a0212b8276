"""The machine's clock and its source of chance."""

from __future__ import annotations

import os
import time

from domain.items import item_id


class SystemClock:
    """The clocks of this machine."""

    def unix_time(self) -> int:
        return int(time.time())

    def monotonic(self) -> float:
        return time.monotonic()


class RandomIds:
    """Identifiers of the time in milliseconds and 96 random bits.

    Because of the time, what came one after the other stands together where it is kept.
    """

    def new(self, prefix: str) -> str:
        return f"{prefix}{time.time_ns() // 1_000_000:012x}{os.urandom(12).hex()}"

    def secret(self, prefix: str) -> str:
        return prefix + os.urandom(24).hex()

    def part(self, whole: str, prefix: str) -> str:
        return item_id(whole, prefix, os.urandom(6).hex())
