"""The ports to time and chance."""

from __future__ import annotations

from typing import Protocol


class ClockPort(Protocol):
    """The wall clock."""

    def unix_time(self) -> int:
        """Return whole seconds since the epoch."""
        ...


class IdPort(Protocol):
    """A source of identifiers that cannot be guessed."""

    def new(self, prefix: str) -> str:
        """Return ``prefix`` followed by at least 96 random bits, in letters and digits."""
        ...
