"""The ports to time and chance."""

from __future__ import annotations

from typing import Protocol


class ClockPort(Protocol):
    """The time of day, and the time that passes."""

    def unix_time(self) -> int:
        """Return whole seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Return seconds since some moment; they never go back."""
        ...


class IdPort(Protocol):
    """A source of identifiers that cannot be guessed."""

    def new(self, prefix: str) -> str:
        """Return ``prefix`` followed by at least 96 random bits, in letters and digits."""
        ...

    def secret(self, prefix: str) -> str:
        """Return ``prefix`` followed by 192 random bits at least, and nothing else."""
        ...

    def part(self, whole: str, prefix: str) -> str:
        """Return the same for an item of the response ``whole``; it may tell whose it is.

        What it tells is read by ``domain.items.response_of``.
        """
        ...
