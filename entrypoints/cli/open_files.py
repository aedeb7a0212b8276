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


def raise_limit(settings: Settings) -> str | None:
    """Allow as many open files as may be; return a warning where that is too few.

    An answer under way takes two: its client, and the model server.
    """
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - of POSIX alone

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _PLENTY if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    wanted = 2 * (settings.max_concurrency + settings.max_queue) + _OTHERS
    if most >= wanted:
        return None
    return (
        f"Warning: only {most} open files are allowed, and MAX_CONCURRENCY and MAX_QUEUE need "
        f"{wanted}; raise the limit (ulimit -n)."
    )
