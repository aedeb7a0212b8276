"""What may be used in a minute."""

from __future__ import annotations

import math
from dataclasses import dataclass

_MINUTE_S = 60.0
# What floats are off by must neither make anyone wait nor cost a unit.
_INSTANT_S = 1e-6
_SPECK = 0.01


@dataclass(slots=True)
class Rate:
    """Units that come back evenly over a minute; a minute's worth may be used at once.

    More may be taken than there is: the rest is owed, and has to come back first. Times are
    seconds of any clock that never goes back.

    Attributes:
        per_minute: units a minute; at least 1.
        full_at: when all of them are back.
    """

    per_minute: int
    full_at: float = -math.inf

    def take(self, units: int, now: float) -> None:
        """Use ``units``; a negative count gives back what was taken too much."""
        self.full_at = max(self.full_at, now) + units * _MINUTE_S / self.per_minute

    def change(self, per_minute: int, now: float) -> None:
        """Have another limit from now on; what was used stays used.

        What a lower limit alone would make owed is let off: it is used up, for a minute at most.
        """
        used_s = self.full_s(now) * self.per_minute / per_minute
        self.full_at = min(now + used_s, max(now + _MINUTE_S, self.full_at))
        self.per_minute = per_minute

    def left(self, now: float) -> int:
        """Return how many whole units there are; 0 where some are owed."""
        used = self.full_s(now) * self.per_minute / _MINUTE_S
        return max(0, math.floor(self.per_minute - used + _SPECK))

    def full_s(self, now: float) -> float:
        """Return the seconds until all units are back."""
        return max(0.0, self.full_at - now)

    def ready_s(self, now: float) -> float:
        """Return the seconds until there is a unit; 0 where there is one."""
        wait_s = self.full_at - now - _MINUTE_S + _MINUTE_S / self.per_minute
        return wait_s if wait_s > _INSTANT_S else 0.0
