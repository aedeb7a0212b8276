"""A model server that does anything: every client gets all of an answer, or an honest error."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random  # noqa: TID251 - seeded: chance that can be repeated
from typing import TYPE_CHECKING

import pytest

from tests.support import asking
from tests.support.faults import FLOOD_BYTES, HARMLESS, Fault, Faults, chosen_seed, named
from tests.support.process import LIMIT_S
from tests.support.raw_server import RawConnection, raw_server

if TYPE_CHECKING:
    from tests.support.asking import Outcome
    from tests.support.standing import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = 8
SETTINGS = {
    "MAX_CONCURRENCY": str(PLACES),
    "MAX_QUEUE": "100",
    "FIRST_TOKEN_TIMEOUT_S": "1",
    "IDLE_TIMEOUT_S": "1",
    "QUEUE_TIMEOUT_S": "20",
}
REQUESTS = 320
AT_A_TIME = 24


def verdict(faults: Faults, name: str, way: str, outcome: Outcome) -> str | None:
    """Return what is wrong with an outcome."""
    harmless = faults.fault(name) in HARMLESS
    if outcome.error is not None:
        # What others met can have the server left alone for a while.
        alone = outcome.error["code"] == "upstream_circuit_open"
        return f"{outcome.error}" if harmless and not alone else None
    wanted = asking.VECTOR if way == "embedding" else faults.text(name)
    if not harmless:
        return "an answer that looks complete and is not"
    return None if outcome.text == wanted else f"{outcome.text!r} is not {wanted!r}"


async def test_every_client_gets_all_of_an_answer_or_an_honest_error(stand: Stand) -> None:
    seed = chosen_seed()
    print(f"FAULT_SEED={seed}")  # noqa: T201 - shown where the test fails
    ways = list(asking.WAYS)
    # The store opens its files at its first use.
    for way in ways:
        await asking.ask(stand.port, asking.WAYS[way], "Hi")
    await stand.server.drop()
    descriptors = stand.process.descriptors
    resident = stand.process.resident_bytes
    wrong: list[str] = []
    seen: Counter[str] = Counter()
    room = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> None:
        way = Random(f"{seed}/{number}/way").choice(ways)  # noqa: S311 - it is no secret
        name = str(number)
        async with room, asyncio.timeout(LIMIT_S):
            outcome = await asking.ask(stand.port, asking.WAYS[way], named(name))
        seen["complete" if outcome.error is None else "failed"] += 1
        if problem := verdict(faults, name, way, outcome):
            wrong.append(f"{name}, {way}, {faults.fault(name).name}: {problem}")

    async def caught(connection: RawConnection) -> None:
        await connection.request()

    async with raw_server(caught) as canary:
        faults = Faults(seed, canary=canary.url)
        stand.server.mischief = faults
        await asyncio.gather(*(one(number) for number in range(REQUESTS)))
        followed = canary.connections
    stand.server.mischief = None
    grown = stand.process.resident_bytes - resident

    assert wrong == []
    assert min(seen["complete"], seen["failed"]) > 0
    assert followed == 0
    assert stand.server.violations == []
    assert grown < 96 * 2**20
    await stand.at_rest(PLACES, descriptors)
    assert b"Traceback" not in stand.process.output


@pytest.mark.parametrize("fault", Fault)
async def test_each_fault_meets_each_way_of_asking(stand: Stand, fault: Fault) -> None:
    faults = Faults("each", [fault])
    stand.server.mischief = faults
    flooded = stand.server.flooded

    async def outcome(way: str) -> Outcome:
        while True:
            found = await asking.ask(stand.port, asking.WAYS[way], named("1"))
            # A server that is left alone would hide the fault; a probe ends that.
            if found.error is None or found.error["code"] != "upstream_circuit_open":
                return found
            await stand.ask(path="/readyz")

    async with asyncio.timeout(LIMIT_S):
        outcomes = await asyncio.gather(*(outcome(way) for way in asking.WAYS))
        await stand.server.idle()
    stand.server.mischief = None

    wrong = {
        way: problem
        for way, found in zip(asking.WAYS, outcomes, strict=True)
        if (problem := verdict(faults, "1", way, found))
    }
    assert wrong == {}
    # What nobody reads fills the buffers between the two at most.
    assert stand.server.flooded - flooded < len(asking.WAYS) * FLOOD_BYTES / 4


async def test_a_seed_plays_the_same_faults_again() -> None:
    names = [str(number) for number in range(200)]
    once, again, other = Faults("a"), Faults("a"), Faults("b")

    assert [once.fault(name) for name in names] == [again.fault(name) for name in reversed(names)][
        ::-1
    ]
    assert [once.text(name) for name in names] == [again.text(name) for name in names]
    assert [once.fault(name) for name in names] != [other.fault(name) for name in names]
    assert {once.fault(name) for name in names} == set(Fault)
