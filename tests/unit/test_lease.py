"""Which processes live, over a store that several share."""

from __future__ import annotations

import asyncio

from adapters.stores.memory import MemoryStore
from application import lease
from application.lease import Lease
from domain.errors import StoreError
from tests.support.fake_system import CountingIds, FixedClock


class Bench:
    """Two processes on one store."""

    def __init__(self) -> None:
        self.clock = FixedClock()
        self.store = MemoryStore(self.clock)
        ids = CountingIds()
        self.one, self.two = Lease(self.store, ids), Lease(self.store, ids)


async def test_what_another_process_works_on_is_held() -> None:
    bench = Bench()
    await bench.one.take("owner", "resp_1")

    assert await bench.two.is_held("owner", "resp_1")
    assert not await bench.two.is_held("other", "resp_1")
    assert not await bench.two.is_held("owner", "resp_2")


async def test_what_this_process_left_undone_is_not_held() -> None:
    bench = Bench()
    await bench.one.take("owner", "resp_1")

    assert not await bench.one.is_held("owner", "resp_1")


async def test_a_process_that_is_silent_is_dead() -> None:
    bench = Bench()
    await bench.one.take("owner", "resp_1")

    bench.clock.now += lease.LIFE_S
    await bench.two.take("owner", "resp_2")

    assert not await bench.two.is_held("owner", "resp_1")


async def test_a_process_that_shows_itself_lives() -> None:
    bench = Bench()
    await bench.one.take("owner", "resp_1")
    await bench.one.take("owner", "resp_2")

    for _ in range(5):
        bench.clock.now += lease.LIFE_S - 1
        assert await bench.two.is_held("owner", "resp_1")
        assert await bench.two.is_held("owner", "resp_2")
        await bench.one.renew()


class InterruptedStore(MemoryStore):
    """Has another process ask in the middle of a renewal."""

    asking: Lease | None = None
    seen: bool | None = None

    async def release(self, owner: str, key: str) -> None:
        await super().release(owner, key)
        if self.asking is not None:
            self.seen = await self.asking.is_held("owner", "resp_1")


async def test_who_asks_in_the_middle_of_a_renewal_sees_it_live() -> None:
    store = InterruptedStore(FixedClock())
    living = Lease(store, CountingIds())
    await living.take("owner", "resp_1")

    store.asking = Lease(store, CountingIds())
    await living.renew()

    assert store.seen


async def test_what_was_left_is_not_held() -> None:
    bench = Bench()
    await bench.one.take("owner", "resp_1")

    await bench.one.leave("owner", "resp_1")

    assert not await bench.two.is_held("owner", "resp_1")


class FailingOnce(MemoryStore):
    """Fails at the first release, and tells of the second."""

    def __init__(self) -> None:
        super().__init__(FixedClock())
        self.failed = False
        self.renewed = asyncio.Event()

    async def release(self, owner: str, key: str) -> None:
        if not self.failed:
            self.failed = True
            message = "It broke."
            raise StoreError(message)
        self.renewed.set()
        await super().release(owner, key)


async def test_a_beat_that_fails_is_followed_by_the_next() -> None:
    store = FailingOnce()
    beating = asyncio.create_task(Lease(store, CountingIds(), beat_s=0).beat())

    async with asyncio.timeout(5):
        await store.renewed.wait()
    beating.cancel()

    assert store.failed
