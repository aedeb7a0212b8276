"""What is used of callers' limits."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from application.admission import Admission
from domain.errors import RateLimitError
from domain.rates import Rate

if TYPE_CHECKING:
    from application.ports.system import ClockPort
    from domain.keys import KeyLimits

# Without a limit places are counted, too: one may be set while they are taken. And in the line for
# them stands only what belongs to requests that were let in.
_ANY_NUMBER = 1 << 30
# When a place will be free nobody knows.
_SOON_S = 1.0


class Account:
    """What one caller used.

    Args:
        limits: its limits.
        clock: the clock.
        wait_s: how long a request's further answers wait for a place.
    """

    def __init__(self, limits: KeyLimits, clock: ClockPort, wait_s: float) -> None:
        self.requests: Rate | None = None
        self.tokens: Rate | None = None
        self.now = clock.monotonic
        self.places = Admission(_ANY_NUMBER, _ANY_NUMBER, wait_s)
        self.change(limits)

    def change(self, limits: KeyLimits) -> None:
        """Have other limits from now on; what was used stays used."""
        now = self.now()
        self.requests = _changed(self.requests, limits.requests_per_minute, now)
        self.tokens = _changed(self.tokens, limits.tokens_per_minute, now)
        self.places.change(limits.concurrency or _ANY_NUMBER)

    async def look(self) -> None:
        """Do nothing: the account is here."""

    async def admit(self) -> None:
        """Count one more request.

        Raises:
            RateLimitError: the caller has none left, or no tokens; it is not counted then.
        """
        now = self.now()
        if self.tokens is not None and (wait_s := self.tokens.ready_s(now)):
            raise _used_up(self.tokens, wait_s, "tokens")
        if self.requests is not None:
            if wait_s := self.requests.ready_s(now):
                raise _used_up(self.requests, wait_s, "requests")
            self.requests.take(1, now)

    async def check_places(self) -> None:
        """Return if one more request may have an answer under way.

        Raises:
            RateLimitError: too many have.
        """
        places = self.places
        if places.running + places.waiting >= places.places:
            message = (
                f"Rate limit reached for this API key: {places.places} answers are under way, and "
                f"it may have {places.places} at a time. Please try again in {_SOON_S:.0f}s."
            )
            raise RateLimitError(message, resource="requests", retry_after_s=_SOON_S)

    async def enter(self) -> None:
        """Wait for a place of the caller's own; without a limit there is always one.

        Raises:
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        await self.places.enter("")

    def leave(self) -> None:
        """Give that place back."""
        self.places.leave()

    def take(self, tokens: int) -> None:
        """Count tokens; a negative number gives some back."""
        if self.tokens is not None:
            self.tokens.take(tokens, self.now())

    def tell(self) -> None:
        """Do nothing: the account is here."""


class Accounts:
    """Accounts that this process keeps, one of each caller whatever its limits become.

    Args:
        clock: the clock.
        wait_s: how long a request's further answers wait for a place.
    """

    def __init__(self, clock: ClockPort, wait_s: float) -> None:
        self._clock = clock
        self._wait_s = wait_s
        # Small, and as many as there ever were names: a key that comes back has used what it had.
        self._accounts: dict[str, Account] = {}

    def open(self, whose: str, limits: KeyLimits) -> Account:
        """Return the account of ``whose``, with these limits from now on."""
        found = self._accounts.get(whose)
        if found is None:
            found = self._accounts[whose] = Account(limits, self._clock, self._wait_s)
        else:
            found.change(limits)
        return found


def _changed(rate: Rate | None, per_minute: int | None, now: float) -> Rate | None:
    if per_minute is None:
        return None
    if rate is None:
        return Rate(per_minute)
    rate.change(per_minute, now)
    return rate


def _used_up(rate: Rate, wait_s: float, resource: str) -> RateLimitError:
    # Clients look for the last words.
    message = (
        f"Rate limit reached for this API key: {rate.per_minute} {resource} per minute. "
        f"Please try again in {ceil(wait_s)}s."
    )
    return RateLimitError(message, resource=resource, retry_after_s=wait_s)
