"""What workers share is what one process has: places, accounts and figures, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.workers.hub import Hub
from adapters.workers.link import Link, LinkedPlaces
from application.account import Accounts
from application.admission import Admission
from domain.errors import OverloadedError, RateLimitError, UpstreamUnavailableError
from domain.keys import KeyLimits
from tests.support.fake_system import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence


class Numbers:
    """Adds up figures that are numbers."""

    def __init__(self) -> None:
        self.gone = 0

    def retire(self, figures: bytes) -> None:
        self.gone += int(figures)

    def add_up(self, figures: Sequence[bytes]) -> bytes:
        return str(self.gone + sum(map(int, figures))).encode()


class Office:
    """A hub, and links of workers to it."""

    def __init__(self, places: int = 1, line: int = 8, wait_s: float = 60) -> None:
        self.clock = FixedClock()
        self.admission = Admission(places, line, wait_s)
        self.ready = 0
        self.hub = Hub(self.admission, Accounts(self.clock, wait_s), Numbers())
        self.links: list[Link] = []
        self.transports: list[asyncio.Transport] = []

    async def link(self) -> Link:
        loop = asyncio.get_running_loop()
        ours, its = socket.socketpair()
        await loop.create_unix_connection(lambda: self.hub.desk(self._ready), sock=ours)
        link = Link(self.clock)
        self.links.append(link)
        transport, _ = await loop.create_unix_connection(lambda: link, sock=its)
        self.transports.append(transport)
        link.figures = lambda: b"1"
        link.ready()
        await link.collect()
        return link

    async def settled(self) -> None:
        """Wait until everything that was said has been heard, and answered."""
        for _ in range(3):
            for link in self.links:
                await link.collect()

    def _ready(self) -> None:
        self.ready += 1


@asynccontextmanager
async def office(places: int = 1, line: int = 8, wait_s: float = 60) -> AsyncGenerator[Office]:
    made = Office(places, line, wait_s)
    async with asyncio.timeout(20):
        yield made
    for link in made.links:
        link.close()
    await closed(made)


async def closed(made: Office) -> None:
    """Wait until the hub knows that no worker is left."""
    while made.hub.desks:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0)
    # What was withdrawn ends by itself.
    for _ in range(5):
        await asyncio.sleep(0)


async def test_callers_take_turns_whatever_worker_they_are_at() -> None:
    async with office() as at:
        one, other = LinkedPlaces(await at.link()), LinkedPlaces(await at.link())
        assert await one.enter("a") == 0.0
        served: list[str] = []

        async def visit(places: LinkedPlaces, caller: str) -> None:
            assert await places.enter(caller) > 0
            served.append(caller)
            places.leave()

        visits: list[asyncio.Task[None]] = []
        for places, caller in ((one, "a"), (one, "a"), (other, "b"), (other, "a"), (one, "b")):
            visits.append(asyncio.create_task(visit(places, caller)))
            await at.settled()
        assert (at.admission.running, at.admission.waiting) == (1, 5)
        one.leave()
        await asyncio.gather(*visits)

    assert served == ["a", "b", "a", "b", "a"]


async def test_a_full_line_refuses_and_a_long_wait_ends() -> None:
    async with office(line=1, wait_s=0.05) as at:
        places = LinkedPlaces(await at.link())
        await places.enter("a")
        waiting = asyncio.create_task(places.enter("a"))
        await at.settled()
        with pytest.raises(OverloadedError) as full:
            await places.enter("a")
        with pytest.raises(UpstreamUnavailableError) as vain:
            await waiting

    assert (full.value.code, vain.value.code) == ("queue_full", "queue_timeout")
    assert at.admission.refusals == {"queue_full": 1, "queue_timeout": 1}


async def test_what_a_worker_held_is_free_once_it_ended() -> None:
    async with office(places=2) as at:
        dying, living = await at.link(), await at.link()
        places, others = LinkedPlaces(dying), LinkedPlaces(living)
        for _ in range(2):
            await places.enter("a")
        lost = asyncio.create_task(places.enter("a"))
        waiting = asyncio.create_task(others.enter("b"))
        await at.settled()
        at.links.remove(dying)
        dying.close()
        await waiting
        assert (at.admission.running, at.admission.waiting) == (1, 0)
        lost.cancel()
        figures = await living.collect()

    assert (at.ready, figures) == (2, b"2")


async def test_a_worker_ends_with_its_parent() -> None:
    async with office() as at:
        ended = asyncio.Event()
        ours, its = socket.socketpair()
        link = Link(at.clock)
        link.on_end = ended.set
        await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=its)
        ours.close()
        await ended.wait()
        # Nobody needs to know any more.
        link.ready()


async def test_an_account_is_one_for_all_workers() -> None:
    async with office() as at:
        limits = KeyLimits(requests_per_minute=2, tokens_per_minute=60)
        one, other = [(await at.link()).open("x", limits) for _ in range(2)]
        stranger = at.links[0].open("y", limits)
        await one.admit()
        await other.admit()
        assert other.requests is not None
        assert other.requests.left(other.now()) == 0
        with pytest.raises(RateLimitError) as caught:
            await one.admit()
        await stranger.admit()
        one.take(70)
        one.take(-5)
        await one.look()
        with pytest.raises(RateLimitError) as used:
            await other.admit()
        assert other.tokens is not None
        assert one.tokens is not None
        assert other.tokens.full_at == one.tokens.full_at

    assert (caught.value.resource, caught.value.retry_after_s) == ("requests", 30)
    assert (used.value.resource, used.value.retry_after_s) == ("tokens", 6)
    assert "Please try again in 6s." in str(used.value)


async def test_tokens_are_told_without_being_asked_for() -> None:
    async with office() as at:
        limits = KeyLimits(tokens_per_minute=60)
        one, other = [(await at.link()).open("x", limits) for _ in range(2)]
        for _ in range(10):
            one.take(1)
        assert other.tokens is not None
        while other.tokens.left(other.now()) != 50:
            await other.look()


async def test_places_of_an_account_are_one_for_all_workers() -> None:
    async with office() as at:
        limits = KeyLimits(concurrency=1)
        one, other = [(await at.link()).open("x", limits) for _ in range(2)]
        await one.check_places()
        await one.enter()
        with pytest.raises(RateLimitError):
            await other.check_places()
        waiting = asyncio.create_task(other.enter())
        await at.settled()
        assert not waiting.done()
        one.leave()
        await waiting
        other.leave()
        await one.check_places()


async def test_an_account_is_the_same_under_other_limits() -> None:
    async with office() as at:
        one, other = await at.link(), await at.link()
        before = one.open("x", KeyLimits(requests_per_minute=2, tokens_per_minute=60))
        await before.admit()
        before.take(20)
        before.tell()
        await at.settled()
        limits = KeyLimits(requests_per_minute=4, tokens_per_minute=100, concurrency=1)
        accounts = [link.open("x", limits) for link in (one, other)]
        # What is under way counts on.
        before.take(10)
        before.tell()
        await at.settled()
        for account in accounts:
            await account.look()
            assert account.requests is not None
            assert account.tokens is not None
            assert account.requests.left(account.now()) == 3
            assert account.tokens.left(account.now()) == 70


async def test_places_stay_taken_under_other_limits() -> None:
    async with office() as at:
        link = await at.link()
        before = link.open("x", KeyLimits(concurrency=1))
        await before.enter()
        after = link.open("x", KeyLimits(concurrency=2))
        await after.check_places()
        await after.enter()
        with pytest.raises(RateLimitError):
            await after.check_places()
        before.leave()
        await after.check_places()
        after.leave()
        await at.settled()


async def test_an_account_without_places_asks_nobody() -> None:
    account = Link(FixedClock()).open("x", KeyLimits(models=("a",)))
    await account.check_places()
    await account.enter()
    account.take(3)
    account.leave()


async def test_a_worker_that_shows_nothing_counts_as_before() -> None:
    async with office() as at:
        at.hub.patience_s = 0.01
        asking = await at.link()
        assert await (await at.link()).collect() == b"2"
        at.transports[1].pause_reading()
        assert await asking.collect() == b"2"


STEPS = st.tuples(st.sampled_from(["enter", "leave", "cancel", "end"]), st.integers(0, 9))


@given(st.integers(1, 3), st.lists(STEPS, max_size=30))
@settings(deadline=None)
def test_places_are_neither_lost_nor_made(most: int, steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        async with office(most, 4) as at:
            crowd = [Crowd(at, await at.link()) for _ in range(3)]
            for step, number in steps:
                crowd[number % 3].take(step, number)
                for _ in range(number):
                    await asyncio.sleep(0)
                assert 0 <= at.admission.running <= most
            for each in crowd:
                each.take("end", 0)
            await asyncio.gather(
                *(task for each in crowd for task in each.tasks), return_exceptions=True
            )
            await closed(at)
            assert (at.admission.running, at.admission.waiting) == (0, 0)

    asyncio.run(run())


class Crowd:
    """Answers of one worker."""

    def __init__(self, at: Office, link: Link) -> None:
        self._link = link
        self._places = LinkedPlaces(link)
        self._links = at.links
        self._ends = asyncio.Semaphore(0)
        self.tasks: list[asyncio.Task[None]] = []

    def take(self, step: str, number: int) -> None:
        if step == "enter":
            self.tasks.append(asyncio.create_task(self._answer(str(number % 2))))
        elif step == "leave":
            self._ends.release()
        elif step == "cancel" and self.tasks:
            self.tasks[number % len(self.tasks)].cancel()
        elif step == "end":
            if self._link in self._links:
                self._links.remove(self._link)
                self._link.close()
            for task in self.tasks:
                task.cancel()

    async def _answer(self, caller: str) -> None:
        try:
            await self._places.enter(caller)
        except (OverloadedError, asyncio.CancelledError):
            return
        try:
            await self._ends.acquire()
        except asyncio.CancelledError:
            return
        finally:
            self._places.leave()
