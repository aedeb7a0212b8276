"""What callers with limits are told of them, in OpenAI's headers."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from application.allowance import Allowance

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS


def headers(allowance: Allowance) -> list[tuple[bytes, bytes]]:
    """Return ``x-ratelimit-*`` for each rate that is limited, as it stands now."""
    account = allowance.account
    now = account.now()
    found: list[tuple[bytes, bytes]] = []
    for what, rate in ((b"requests", account.requests), (b"tokens", account.tokens)):
        if rate is not None:
            found += (
                (b"x-ratelimit-limit-" + what, b"%d" % rate.per_minute),
                (b"x-ratelimit-remaining-" + what, b"%d" % rate.left(now)),
                (b"x-ratelimit-reset-" + what, duration(rate.full_s(now)).encode()),
            )
    return found


def duration(seconds: float) -> str:
    """Return a time as Go writes it, which is what clients read: ``20ms``, ``1.5s``, ``6m0s``."""
    whole_ms = ceil(round(seconds * 1000, 3))
    if 0 < whole_ms < 1000:  # noqa: PLR2004 - a second's own number
        return f"{whole_ms}ms"
    hours, rest_ms = divmod(whole_ms, _HOUR_MS)
    minutes, rest_ms = divmod(rest_ms, _MINUTE_MS)
    shown = f"{rest_ms / 1000:g}s"
    if hours or minutes:
        shown = f"{minutes}m{shown}"
    return f"{hours}h{shown}" if hours else shown
