"""``python -m tests.chaos.soak``: mixed load for minutes; whatever grows meanwhile is a leak.

All ways of asking, one request in twenty meets a fault of the model server's, one in ten leaves
before its end. ``FAULT_SEED`` in the environment plays the same requests and faults again.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: chance that can be repeated
from typing import TYPE_CHECKING

from tests.chaos import dropping
from tests.chaos.asked import Question, Tally, ask
from tests.chaos.run import run, told
from tests.chaos.watch import Held, growth, held, tracebacks
from tests.support import asking
from tests.support.faults import Faults
from tests.support.standing import standing

if TYPE_CHECKING:
    from tests.support.standing import Stand

_CLIENTS = 12
_DEADLINE_S = 30
_SAMPLES = 120
_WINDOW = 8
_PAUSE_S = 0.1
# What a run may rise by, after its first third.
_LIMITS = {"resident_mib": 16.0, "descriptors": 12.0, "tasks": 12.0}
_SETTINGS = {
    "MAX_CONCURRENCY": "16",
    "MAX_QUEUE": "64",
    "FIRST_TOKEN_TIMEOUT_S": "1",
    "IDLE_TIMEOUT_S": "1",
    "QUEUE_TIMEOUT_S": "10",
}


@dataclass(slots=True)
class Report:
    """What came of a run."""

    seed: str
    minutes: float
    tally: Tally = field(default_factory=Tally)
    dropped: int = 0
    samples: list[Held] = field(default_factory=list[Held])
    faults: list[str] = field(default_factory=list[str])

    @property
    def grown(self) -> dict[str, float]:
        """How much each figure has risen after the first third of the run, by name.

        Of each window the least counts: what is under way at a moment is no growth.
        """
        settled = self.samples[len(self.samples) // 3 :]
        windows = [settled[start : start + _WINDOW] for start in range(0, len(settled), _WINDOW)]
        return {
            name: round(growth([min(getattr(it, name) for it in window) for window in windows]), 1)
            for name in _LIMITS
        }

    def __str__(self) -> str:
        """All of it, to print."""
        first, last = self.samples[len(self.samples) // 3], self.samples[-1]
        lines = [
            f"seed {self.seed}, {self.minutes:g} minutes, {len(self.samples)} samples",
            f"{self.tally}; dropped by their clients {self.dropped}",
            *(
                f"{name} {getattr(self.samples[0], name):g} at first, "
                f"{getattr(first, name):g} after a third, {getattr(last, name):g} at last; "
                f"the least of each window rises by {rise:g} from then on"
                for name, rise in self.grown.items()
            ),
        ]
        return told("soak", lines, self.problems)

    @property
    def broken(self) -> list[str]:
        """What is wrong, but for what grows: a short run says nothing of that."""
        return [*self.tally.problems, *self.faults]

    @property
    def problems(self) -> list[str]:
        """What is wrong."""
        rising = [
            f"{name} grows: {rise:g}" for name, rise in self.grown.items() if rise > _LIMITS[name]
        ]
        return [*self.broken, *rising]


async def soak(seed: str, minutes: float) -> Report:
    """Load the service for so long, and return what came of it."""
    report = Report(seed, minutes)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stand = await stack.enter_async_context(standing(folder, **_SETTINGS))
        faults = Faults(seed, share=0.05)
        stand.server.mischief = faults
        clients = [
            asyncio.create_task(_client(stand, number, faults, report))
            for number in range(_CLIENTS)
        ]
        for _ in range(_SAMPLES):
            await asyncio.sleep(minutes * 60 / _SAMPLES)
            report.samples.append(await held(stand.process, stand.port))
            stand.server.requests.clear()
            report.faults += tracebacks(stand.process)
        for client in clients:
            client.cancel()
        endings = await asyncio.gather(*clients, return_exceptions=True)
        report.faults += [repr(it) for it in endings if isinstance(it, Exception)]
        async with asyncio.timeout(_DEADLINE_S):
            await stand.server.idle()
        report.faults += stand.server.violations
    return report


async def _client(stand: Stand, client: int, faults: Faults, report: Report) -> None:
    chance = Random(f"{report.seed}/{client}")  # noqa: S311 - it is no secret
    number = client
    while True:
        number += _CLIENTS
        await asyncio.sleep(chance.uniform(0, 2 * _PAUSE_S))
        if chance.random() < 0.1:
            await dropping.drop(stand.port, number, chance)
            report.dropped += 1
        else:
            way = chance.choice(list(asking.WAYS.values()))
            question = Question(way, str(number), {}, stand.headers)
            await ask(stand.port, question, faults, report.tally, _DEADLINE_S)


if __name__ == "__main__":
    sys.exit(run("soak", __doc__, soak))
