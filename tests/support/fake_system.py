"""Time and identifiers that a test can predict."""

from __future__ import annotations


class FixedClock:
    """A clock that stands still until a test moves ``now``."""

    def __init__(self, now: int = 1_700_000_000) -> None:
        self.now = now

    def unix_time(self) -> int:
        """Return ``now``."""
        return self.now

    def monotonic(self) -> float:
        """Return ``now``."""
        return float(self.now)


class CountingIds:
    """Identifiers ``<prefix>1``, ``<prefix>2``, ...; one count for all prefixes."""

    def __init__(self) -> None:
        self.issued: list[str] = []

    def new(self, prefix: str) -> str:
        """Return the next identifier."""
        self.issued.append(f"{prefix}{len(self.issued) + 1}")
        return self.issued[-1]

    def secret(self, prefix: str) -> str:
        """Return the next identifier, which is none."""
        return self.new(prefix)

    def part(self, whole: str, prefix: str) -> str:  # noqa: ARG002 - as the port's
        """Return the next identifier; it does not tell whose it is."""
        return self.new(prefix)
