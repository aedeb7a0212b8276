"""What one caller may still do."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

from domain.errors import PermissionDeniedError
from domain.models import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from application.ports.limits import AccountPort
    from domain.keys import KeyLimits


class Allowance:
    """The limits of a caller, and what of them is used.

    Args:
        limits: the limits.
        aliases: models by further names; whoever may ask a model may do so by these.
        account: what is used.
    """

    def __init__(self, limits: KeyLimits, aliases: Mapping[str, str], account: AccountPort) -> None:
        self.limits = limits
        self.account = account
        models = {canonical(model) for model in limits.models}
        self._models = models | {
            canonical(alias) for alias, model in aliases.items() if canonical(model) in models
        }

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


class Visit:
    """One request of a caller with limits.

    Its first answer needs a free place; the others, those of ``n`` or of a second attempt, wait
    for one.
    """

    def __init__(self, allowance: Allowance) -> None:
        self.allowance = allowance
        self._let_in = False

    async def begin(self, model: str) -> None:
        """Let the request in, if its answers may be made.

        Raises:
            PermissionDeniedError: the caller may not ask this model.
            RateLimitError: it has too many answers under way.
        """
        self.allowance.check(model)
        if not self._let_in:
            await self.allowance.account.check_places()
            self._let_in = True

    async def enter(self, model: str, prompt_tokens: int) -> Tab:
        """Wait until an answer may be made, and return what counts it; it is to be left.

        Raises:
            PermissionDeniedError: as ``begin``.
            RateLimitError: as ``begin``.
            UpstreamUnavailableError: the wait was in vain (code ``queue_timeout``).
        """
        await self.begin(model)
        await self.allowance.account.enter()
        return Tab(self.allowance, prompt_tokens)


class Tab:
    """What one answer takes of a caller's tokens while it is made.

    Its prompt counts from the begin as what it is estimated to be, each piece of it as one
    token, and once it is complete what the model server says. So answers under way count, and
    one that is cut counts for what came of it.
    """

    def __init__(self, allowance: Allowance, prompt_tokens: int) -> None:
        self._account = allowance.account
        self._counts = allowance.limits.tokens_per_minute is not None
        self._taken = 0
        self._left = False
        self.add(prompt_tokens)

    def add(self, tokens: int) -> None:
        """Count more tokens."""
        if self._counts:
            self._account.take(tokens)
            self._taken += tokens

    def settle(self, tokens: int) -> None:
        """Count ``tokens`` for the whole answer in place of what was counted so far."""
        self.add(tokens - self._taken)
        self._account.tell()

    def leave(self) -> None:
        """Give the answer's place back; a second time does nothing."""
        if not self._left:
            self._left = True
            self._account.leave()


# The request at hand; None where its caller has no limits. The key check sets it; tasks begun
# since inherit it.
VISIT: ContextVar[Visit | None] = ContextVar("visit", default=None)
