"""How many connections the operating system lets this process have."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entrypoints.settings import Settings

# For the store, the listener, the log, and connections that only wait.
_OTHERS = 100
# Where the system names no bound, one is needed all the same; more is of no use here.
_PLENTY = 1_048_576


def most() -> int | None:
    """Return how many files may be open once ``raise_limit`` was called; None for any number."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - of POSIX alone

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard


def needed(settings: Settings) -> int:
    """Return how many may be open: an answer under way takes its client and the model server."""
    return 2 * (settings.max_concurrency + settings.max_queue) + _OTHERS


def raise_limit(settings: Settings) -> str | None:
    """Allow as many open files as may be; return a warning where that is too few."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - of POSIX alone

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = most() or _PLENTY
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    wanted = needed(settings)
    if allowed >= wanted:
        return None
    return (
        f"Warning: only {allowed} open files are allowed, and MAX_CONCURRENCY and MAX_QUEUE need "
        f"{wanted}; raise the limit (ulimit -n)."
    )
