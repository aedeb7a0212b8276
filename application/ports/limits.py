"""The ports to what is limited for all callers and for each: here, or where all processes ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.keys import KeyLimits
    from domain.rates import Rate


class PlacesPort(Protocol):
    """Places for answers under way, and the line for them."""

    async def enter(self, caller: str) -> float:
        """Wait for a place; return for how many seconds. Whoever gets one gives it back.

        Raises:
            OverloadedError: the line is full (code ``queue_full``).
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        ...

    def leave(self) -> None:
        """Give a place back."""
        ...


class AccountPort(Protocol):
    """What is used of one caller's limits."""

    @property
    def requests(self) -> Rate | None:
        """Its requests, as far as is known here; None for no limit."""
        ...

    @property
    def tokens(self) -> Rate | None:
        """Its tokens, as far as is known here; None for no limit."""
        ...

    def now(self) -> float:
        """Return the time by which these count."""
        ...

    async def look(self) -> None:
        """Learn how the limits stand."""
        ...

    async def admit(self) -> None:
        """Count one more request.

        Raises:
            RateLimitError: the caller has none left, or no tokens; it is not counted then.
        """
        ...

    async def check_places(self) -> None:
        """Return if one more request may have an answer under way.

        Raises:
            RateLimitError: too many have.
        """
        ...

    async def enter(self) -> None:
        """Wait for a place of the caller's own; without a limit there is always one.

        Raises:
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        ...

    def leave(self) -> None:
        """Give that place back."""
        ...

    def take(self, tokens: int) -> None:
        """Count tokens; a negative number gives some back."""
        ...

    def tell(self) -> None:
        """Let all know at once what was counted so far."""
        ...


class AccountsPort(Protocol):
    """The accounts of all callers with limits."""

    def open(self, whose: str, limits: KeyLimits) -> AccountPort:
        """Return the account of ``whose``; what was used under other limits stays used.

        Args:
            whose: what tells it from others; no secret.
            limits: its limits from now on.
        """
        ...
