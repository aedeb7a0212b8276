"""Who may generate, and who is next."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.admission import Admission
from domain.errors import OverloadedError, UpstreamUnavailableError


async def turn_over() -> None:
    """Let everything that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)


class Visitors:
    """Tasks that enter and then stay."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.inside: list[str] = []
        self.tasks: list[asyncio.Task[object]] = []

    async def come(self, *names: str) -> None:
        for name in names:
            self.tasks.append(asyncio.create_task(self._enter(name)))
            await turn_over()

    async def go(self, count: int = 1) -> None:
        for _ in range(count):
            self.admission.leave()
            await turn_over()

    async def take(self, step: str, number: int) -> None:
        if step == "come":
            await self.come("abc"[number % 3])
        elif step == "change":
            self.admission.change(number % 4 + 1)
        elif step == "cancel" and self.tasks:
            self.tasks[number % len(self.tasks)].cancel()
        await turn_over()

    async def outcomes(self) -> list[object]:
        return await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _enter(self, name: str) -> None:
        await self.admission.enter(name.partition("-")[0])
        self.inside.append(name)


async def test_so_many_enter_and_the_rest_wait_in_order() -> None:
    visitors = Visitors(Admission(2, 8, 60))
    await visitors.come("a-1", "a-2", "a-3", "a-4")

    assert visitors.inside == ["a-1", "a-2"]
    assert (visitors.admission.running, visitors.admission.waiting) == (2, 2)

    await visitors.go(2)

    assert visitors.inside == ["a-1", "a-2", "a-3", "a-4"]
    assert (visitors.admission.running, visitors.admission.waiting) == (2, 0)
    # None waited for longer than one may.
    assert sum(visitors.admission.waits.counts[:-1]) == 4


async def test_callers_take_turns() -> None:
    visitors = Visitors(Admission(1, 8, 60))
    await visitors.come("a-1", "a-2", "a-3", "b-1", "c-1", "b-2")
    await visitors.go(5)

    assert visitors.inside == ["a-1", "a-2", "b-1", "c-1", "a-3", "b-2"]


async def test_a_full_line_refuses_at_once() -> None:
    visitors = Visitors(Admission(1, 2, 60))
    await visitors.come("a-1", "a-2", "a-3")

    with pytest.raises(OverloadedError) as caught:
        await visitors.admission.enter("a")
    await visitors.go(2)

    assert caught.value.code == "queue_full"
    assert visitors.inside == ["a-1", "a-2", "a-3"]


async def test_no_line_at_all_refuses_whoever_does_not_fit() -> None:
    visitors = Visitors(Admission(1, 0, 60))
    await visitors.come("a-1")

    with pytest.raises(OverloadedError):
        await visitors.admission.enter("b")


async def test_a_newcomer_takes_the_last_place_of_whoever_has_the_most() -> None:
    visitors = Visitors(Admission(1, 3, 60))
    await visitors.come("a-1", "a-2", "a-3", "a-4", "b-1")
    await visitors.go(3)

    assert visitors.inside == ["a-1", "a-2", "b-1", "a-3"]
    failures = await visitors.outcomes()
    turned_out = failures.pop(3)
    assert isinstance(turned_out, OverloadedError)
    assert turned_out.code == "queue_full"
    assert failures == [None, None, None, None]


async def test_a_newcomer_takes_no_place_of_whoever_would_then_have_less() -> None:
    visitors = Visitors(Admission(1, 3, 60))
    await visitors.come("a-1", "a-2", "a-3", "b-1", "b-2")
    await visitors.go(3)

    assert visitors.inside == ["a-1", "a-2", "b-1", "a-3"]


async def test_a_wait_in_vain_ends() -> None:
    admission = Admission(1, 2, 0.001)
    assert await admission.enter("a") == 0

    with pytest.raises(UpstreamUnavailableError) as caught:
        await admission.enter("a")

    assert caught.value.code == "queue_timeout"
    assert (admission.running, admission.waiting) == (1, 0)
    admission.leave()
    await admission.enter("b")
    assert (admission.running, admission.waiting) == (1, 0)


async def test_whoever_leaves_the_line_leaves_no_trace() -> None:
    visitors = Visitors(Admission(1, 8, 60))
    await visitors.come("a-1", "b-1", "a-2")
    visitors.tasks[1].cancel()
    await turn_over()

    assert visitors.admission.waiting == 1

    await visitors.go()

    assert visitors.inside == ["a-1", "a-2"]


async def test_a_place_granted_to_someone_who_leaves_goes_to_the_next() -> None:
    visitors = Visitors(Admission(1, 8, 60))
    await visitors.come("a-1", "a-2", "a-3")

    visitors.admission.leave()
    visitors.tasks[1].cancel()
    await turn_over()

    assert visitors.inside == ["a-1", "a-3"]
    assert (visitors.admission.running, visitors.admission.waiting) == (1, 0)


async def test_the_last_place_of_someone_who_is_leaving_is_taken_all_the_same() -> None:
    visitors = Visitors(Admission(1, 2, 60))
    await visitors.come("a-1", "a-2", "a-3")

    # The newcomer's turn of the loop comes before that of whoever leaves.
    visitors.tasks.append(asyncio.create_task(visitors.admission.enter("b")))
    visitors.tasks[2].cancel()
    await turn_over()

    assert visitors.admission.waiting == 2
    await visitors.go(2)
    assert (visitors.admission.running, visitors.admission.waiting) == (1, 0)


async def test_someone_turned_out_of_the_line_who_leaves_gives_no_place_back() -> None:
    visitors = Visitors(Admission(1, 2, 60))
    await visitors.come("a-1", "a-2", "a-3")

    # The last in line is told that its place was taken, and leaves before it hears of it.
    visitors.tasks.append(asyncio.create_task(visitors.admission.enter("b")))
    asyncio.get_running_loop().call_soon(visitors.tasks[2].cancel)
    await turn_over()

    assert (visitors.admission.running, visitors.admission.waiting) == (1, 2)


@given(
    st.integers(1, 3),
    st.integers(0, 4),
    st.lists(
        st.tuples(st.sampled_from(["come", "go", "cancel", "change"]), st.integers(0, 20)),
        max_size=60,
    ),
)
@settings(deadline=None)
def test_places_are_neither_lost_nor_made(
    places: int, line: int, steps: list[tuple[str, int]]
) -> None:
    async def run() -> None:
        visitors = Visitors(Admission(places, line, 60))
        left, before = 0, 0
        for step, number in steps:
            if step == "go" and visitors.admission.running:
                await visitors.go()
                left += 1
            else:
                await visitors.take(step, number)
            most = visitors.admission.places
            # Nobody is turned out where there are fewer than before.
            assert visitors.admission.running == len(visitors.inside) - left <= max(most, before)
            assert 0 <= visitors.admission.waiting <= line
            if visitors.admission.waiting:
                assert visitors.admission.running >= most
            before = visitors.admission.running
        while visitors.admission.running:
            await visitors.go()
        await visitors.outcomes()
        assert (visitors.admission.running, visitors.admission.waiting) == (0, 0)

    asyncio.run(run())
