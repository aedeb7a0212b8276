"""How a long run is started, and what it prints in the end."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Protocol

from tests.support.faults import chosen_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

_SHOWN = 20


class Report(Protocol):
    """What came of a run."""

    @property
    def problems(self) -> Sequence[str]:
        """What is wrong, each in a sentence."""
        ...


def told(name: str, lines: Sequence[str], problems: Sequence[str]) -> str:
    """Return a report of the run ``name``: its figures, its first problems, and how many."""
    return "\n".join(
        [
            *(f"{name}: {line}" for line in lines),
            *(f"FAULT {problem}" for problem in problems[:_SHOWN]),
            f"{name}: {len(problems)} faults",
        ]
    )


def run(
    name: str, about: str | None, long_run: Callable[[str, float], Coroutine[None, None, Report]]
) -> int:
    """Start a run from the command line, print its report and return the exit code.

    Args:
        name: of its recipe.
        about: what it does.
        long_run: takes a seed and minutes.
    """
    parser = argparse.ArgumentParser(prog=f"just {name}", description=about)
    parser.add_argument("--minutes", type=float, default=10, help="how long")
    given = parser.parse_args()
    seed = chosen_seed()
    print(f"{name}: FAULT_SEED={seed}", flush=True)
    report = asyncio.run(long_run(seed, given.minutes))
    print(report)
    return bool(report.problems)
