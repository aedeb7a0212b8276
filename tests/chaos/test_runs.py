"""Short runs of `just soak` and `just chaos`, and that they notice what they are there for."""

from __future__ import annotations

import pytest

from tests.chaos import chaos, soak
from tests.chaos.asked import Tally
from tests.chaos.watch import Held

SEED = "ci"


async def test_a_short_soak() -> None:
    report = await soak.soak(SEED, minutes=0.2)

    print(report)
    assert report.broken == []
    assert report.tally.complete > 10 * report.tally.errors.total() > 0
    assert report.dropped > 0


async def test_a_short_chaos() -> None:
    report = await chaos.chaos(SEED, minutes=0.2)

    print(report)
    assert report.problems == []
    assert report.kills.total() >= 2
    assert len(report.acknowledged) > 100


async def test_chaos_notices_what_is_lost() -> None:
    # Of this seed, the service is killed first.
    report = await chaos.chaos("forgets", minutes=0.08, stores={"memory": "memory"})

    assert report.kills["service on memory"] > 0
    assert report.lost
    assert report.problems


@pytest.mark.parametrize("name", ["resident_mib", "descriptors", "tasks"])
def test_soak_notices_what_grows(name: str) -> None:
    flat = {"resident_mib": 80.0, "descriptors": 20.0, "tasks": 5.0, "running": 1, "waiting": 0}
    samples = [Held(**(flat | {name: flat[name] + number})) for number in range(120)]
    report = soak.Report(SEED, 10, samples=samples)

    assert report.problems == [f"{name} grows: 72"]
    assert f"FAULT {name} grows: 72" in str(report)


def test_what_hung_or_was_wrong_is_a_problem() -> None:
    tally = Tally(hung=["a"], wrong=["b"])

    assert chaos.Report(SEED, 10, "SQLite", tally).problems == ["b", "hung: a"]
    assert soak.Report(SEED, 10, tally).broken == ["b", "hung: a"]
