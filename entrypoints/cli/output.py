"""Where commands write."""

from __future__ import annotations

from rich.console import Console


def console(*, errors: bool = False) -> Console:
    """Return where a command writes: plain text unless a terminal reads it.

    ``NO_COLOR`` takes the colours away; rich honours it by itself.
    """
    return Console(stderr=errors, highlight=False)
