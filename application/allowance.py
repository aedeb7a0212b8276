"""What one caller may still do."""

from __future__ import annotations

from contextvars import ContextVar
from math import ceil
from typing import TYPE_CHECKING

from application.admission import Admission
from domain.errors import PermissionDeniedError, RateLimitError
from domain.models import canonical
from domain.rates import Rate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from application.ports.system import ClockPort
    from domain.keys import KeyLimits

# In the line of a caller's own places stands only what belongs to requests that were let in.
_ANY_NUMBER = 1 << 30
# When a place will be free nobody knows.
_SOON_S = 1.0


class Allowance:
    """The limits of a caller, and what of them is used.

    Args:
        limits: the limits.
        aliases: models by further names; whoever may ask a model may do so by these.
        clock: the clock.
        wait_s: how long a request's further answers wait for a place.
    """

    def __init__(
        self, limits: KeyLimits, aliases: Mapping[str, str], clock: ClockPort, wait_s: float
    ) -> None:
        self.limits = limits
        self.requests = _rate(limits.requests_per_minute)
        self.tokens = _rate(limits.tokens_per_minute)
        self.now = clock.monotonic
        count = limits.concurrency
        self.places = None if count is None else Admission(count, _ANY_NUMBER, wait_s)
        models = {canonical(model) for model in limits.models}
        self._models = models | {
            canonical(alias) for alias, model in aliases.items() if canonical(model) in models
        }

    def admit(self) -> None:
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

    def may_ask(self, model: str) -> bool:
        """Return whether the caller may ask this model."""
        return not self._models or canonical(model) in self._models

    def check(self, model: str) -> None:
        """Return if the caller may ask this model.

        Raises:
            PermissionDeniedError: no; whether there is such a model is not told.
        """
        if not self.may_ask(model):
            # OpenAI's code where a project has no access to a model.
            message = f"This API key does not have access to the model '{model}'."
            raise PermissionDeniedError(message, code="model_not_found", param="model")

    def check_places(self) -> None:
        """Return if one more request may have an answer under way.

        Raises:
            RateLimitError: too many have.
        """
        places, most = self.places, self.limits.concurrency
        if places is not None and most is not None and places.running + places.waiting >= most:
            message = (
                f"Rate limit reached for this API key: {most} answers are under way, and it may "
                f"have {most} at a time. Please try again in {_SOON_S:.0f}s."
            )
            raise RateLimitError(message, resource="requests", retry_after_s=_SOON_S)


class Visit:
    """One request of a caller with limits.

    Its first answer needs a free place; the others, those of ``n`` or of a second attempt, wait
    for one.
    """

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self._let_in = False

    def begin(self, model: str) -> None:
        """Let the request in, if its answers may be made.

        Raises:
            PermissionDeniedError: the caller may not ask this model.
            RateLimitError: it has too many answers under way.
        """
        self.allowance.check(model)
        if not self._let_in:
            self.allowance.check_places()
            self._let_in = True

    async def enter(self, model: str, prompt_tokens: int) -> Tab:
        """Wait until an answer may be made, and return what counts it; it is to be left.

        Raises:
            PermissionDeniedError: as ``begin``.
            RateLimitError: as ``begin``.
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        self.begin(model)
        if self.allowance.places is not None:
            await self.allowance.places.enter("")
        return Tab(self.allowance, prompt_tokens)


class Tab:
    """What one answer takes of a caller's tokens while it is made.

    Its prompt counts from the begin as what it is estimated to be, each piece of it as one
    token, and once it is complete what the model server says. So answers under way count, and
    one that is cut counts for what came of it.
    """

    def __init__(self, allowance: Allowance, prompt_tokens: int) -> None:
        self._allowance = allowance
        self._taken = 0
        self._left = False
        self.add(prompt_tokens)

    def add(self, tokens: int) -> None:
        """Count more tokens."""
        if (rate := self._allowance.tokens) is not None:
            rate.take(tokens, self._allowance.now())
            self._taken += tokens

    def settle(self, tokens: int) -> None:
        """Count ``tokens`` for the whole answer in place of what was counted so far."""
        self.add(tokens - self._taken)

    def leave(self) -> None:
        """Give the answer's place back; a second time does nothing."""
        if not self._left:
            self._left = True
            if self._allowance.places is not None:
                self._allowance.places.leave()


# The request at hand; None where its caller has no limits. The key check sets it; tasks begun
# since inherit it.
VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)


def _rate(per_minute: int | None) -> Rate | None:
    return None if per_minute is None else Rate(per_minute)


def _used_up(rate: Rate, wait_s: float, resource: str) -> RateLimitError:
    # Clients look for the last words.
    message = (
        f"Rate limit reached for this API key: {rate.per_minute} {resource} per minute. "
        f"Please try again in {ceil(wait_s)}s."
    )
    return RateLimitError(message, resource=resource, retry_after_s=wait_s)
