"""Whether a model server is worth asking."""

from __future__ import annotations

# One failure may be a connection that was lost, and a restart makes two or three.
_FAILURES = 5
_FIRST_S = 1.0
_LONGEST_S = 30.0


class Circuit:
    """Open after so many failures in a row, and then for a while that doubles up to a bound.

    Whoever asks when that while is over tries the server for all others: they wait for another
    while, so that a trial without an outcome does no harm. Any answer closes the circuit. Times
    are seconds of the caller's clock.

    Attributes:
        failures: in a row; 0 where all is well.
        is_open: the server counts as dead.
    """

    def __init__(
        self,
        failures: int = _FAILURES,
        first_s: float = _FIRST_S,
        longest_s: float = _LONGEST_S,
    ) -> None:
        self._limit = failures
        self._first_s = first_s
        self._longest_s = longest_s
        self.failures = 0
        self.is_open = False
        self._pause_s = 0.0
        self._until = 0.0
        self._tried = False

    def wait_s(self, now: float) -> float:
        """Return how long to wait before asking, in seconds; after 0 the caller asks."""
        if not self.is_open:
            return 0.0
        if now < self._until:
            return self._until - now
        self._until = now + self._pause_s
        self._tried = True
        return 0.0

    def remaining_s(self, now: float) -> float:
        """Return how long the server is left alone yet, without asking to try it."""
        return max(self._until - now, 0.0) if self.is_open else 0.0

    def answered(self) -> None:
        """Take note that the server said something."""
        self.failures = 0
        self.is_open = self._tried = False

    def failed(self, now: float) -> None:
        """Take note that it could not be reached, or left without a word.

        While the circuit is open only the trial counts: the rest began before.
        """
        self.failures += 1
        if self._tried:
            self._pause_s = min(self._pause_s * 2, self._longest_s)
        elif not self.is_open and self.failures >= self._limit:
            self._pause_s = self._first_s
        else:
            return
        self.is_open = True
        self._tried = False
        self._until = now + self._pause_s
