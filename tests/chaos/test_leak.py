"""R41: two thousand clients that leave at any moment leave nothing."""

from __future__ import annotations

import asyncio
from random import Random  # noqa: TID251 - seeded: chance that can be repeated
from typing import TYPE_CHECKING

import pytest

from tests.chaos import dropping
from tests.chaos.watch import growth, held
from tests.support.service import ASK
from tests.support.standing import Stand, standing

if TYPE_CHECKING:
    from pathlib import Path

SEED = "leak"
DROPS = 1000
AT_A_TIME = 40
PLACES = 16
SETTINGS = {"MAX_CONCURRENCY": str(PLACES), "MAX_QUEUE": "8", "QUEUE_TIMEOUT_S": "5"}


async def drops(stand: Stand, first: int, count: int) -> None:
    """Drop connections and wait until nothing of them is left."""
    numbers = iter(range(first, first + count))

    async def client() -> None:
        for number in numbers:
            chance = Random(f"{SEED}/{number}")  # noqa: S311 - it is no secret
            await dropping.drop(stand.port, number, chance)

    await asyncio.gather(*(client() for _ in range(AT_A_TIME)))
    async with asyncio.timeout(5):
        await stand.server.idle()


async def test_two_thousand_dropped_connections_leave_nothing(tmp_path: Path) -> None:
    async with standing(tmp_path, **SETTINGS) as stand, asyncio.timeout(120):
        stand.server.mischief = dropping.slow
        await drops(stand, 0, 100)
        await stand.server.drop()
        before = await held(stand.process, stand.port)
        await drops(stand, 100, DROPS)
        middle = await held(stand.process, stand.port)
        await drops(stand, 100 + DROPS, DROPS)
        await stand.at_rest(PLACES, int(before.descriptors))
        after = await held(stand.process, stand.port)
        stand.server.mischief = None
        answer = await stand.ask(ASK)
        reached = len(stand.server.requests)
        output = stand.process.output

    assert after.tasks <= before.tasks
    assert (after.running, after.waiting) == (0, 0)
    assert after.resident_mib - middle.resident_mib < 40
    assert answer.status == 200
    # They left at all points, before and after the model server was asked.
    assert DROPS / 4 < reached < 2 * DROPS
    assert b"Traceback" not in output


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 2, 3, 4], 3), ([5, 5, 5], 0), ([0, 9, 0, 9, 0], 0)]
)
def test_growth_is_that_of_the_line_through_the_values(
    values: list[float], expected: float
) -> None:
    assert growth(values) == pytest.approx(expected)
