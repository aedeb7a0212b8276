"""Responses in the background over fakes: what HTTP does not show."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from adapters.stores.memory import MemoryStore
from application import lease
from domain.chat import FinishReason
from domain.conversation import Conversation, ResponseStatus, StoredResponse
from domain.errors import (
    NotFoundError,
    OverloadedError,
    StoreError,
    UpstreamError,
    UpstreamUnavailableError,
)
from domain.events import Finished, ReasoningDelta, TextDelta
from domain.items import ReasoningItem
from tests.support.fake_llm import USAGE
from tests.support.fake_system import FixedClock
from tests.support.responses import STOP
from tests.support.responses_bench import OWNER, Process, asked
from tests.support.streams import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

IN_BACKGROUND = asked(background=True)


async def turn_over() -> None:
    """Let everything that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_number_under_way_is_bounded() -> None:
    process = Process(most=1)
    process.llm.gate = asyncio.Event()
    await process.start(IN_BACKGROUND)

    with pytest.raises(OverloadedError) as caught:
        await process.start(IN_BACKGROUND)
    await process.background.aclose()

    assert caught.value.code == "too_many_background_responses"


async def test_those_that_begin_count() -> None:
    process = Process(most=1)
    process.llm.gate = asyncio.Event()

    outcomes = await asyncio.gather(
        *(process.start(IN_BACKGROUND) for _ in range(3)), return_exceptions=True
    )
    await process.background.aclose()

    assert sum(isinstance(outcome, OverloadedError) for outcome in outcomes) == 2


class Crowding(MemoryStore):
    """Has one more response begin while one is taken."""

    process: Process | None = None

    async def put(self, owner: str, response: StoredResponse) -> None:
        await super().put(owner, response)
        process, self.process = self.process, None
        if process is not None:
            await process.start(IN_BACKGROUND)


async def test_those_that_begin_count_beside_those_under_way() -> None:
    store = Crowding(FixedClock())
    process = Process(store, most=2)
    process.llm.gate = asyncio.Event()
    await process.start(IN_BACKGROUND)

    store.process = process
    with pytest.raises(OverloadedError):
        await process.start(IN_BACKGROUND)
    await process.background.aclose()


class Closing(MemoryStore):
    """Ends the service as soon as a response is kept."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(clock)
        self.process: Process | None = None

    async def put(self, owner: str, response: StoredResponse) -> None:
        await super().put(owner, response)
        if self.process is not None:
            await self.process.background.aclose()


async def test_one_that_begins_while_the_service_ends_is_lost() -> None:
    clock = FixedClock()
    store = Closing(clock)
    store.process = process = Process(store, clock=clock)

    taken = await process.start(IN_BACKGROUND)
    clock.now += lease.LIFE_S
    found = await process.sibling().background.get(OWNER, taken.id)

    assert process.llm.requests == []
    assert found.status is ResponseStatus.FAILED


class Asking(MemoryStore):
    """Looks at a response as soon as it is kept."""

    def __init__(self) -> None:
        super().__init__(FixedClock())
        self.process: Process | None = None
        self.seen: list[ResponseStatus] = []

    async def put(self, owner: str, response: StoredResponse) -> None:
        await super().put(owner, response)
        if self.process is not None:
            found = await self.process.background.get(owner, response.id)
            self.seen.append(found.status)


async def test_one_that_begins_is_not_lost() -> None:
    store = Asking()
    store.process = process = Process(store)

    ended = await process.end_of((await process.start(IN_BACKGROUND)).id)
    await process.background.aclose()

    assert store.seen == [ResponseStatus.QUEUED]
    assert ended.status is ResponseStatus.COMPLETED


async def test_what_ends_makes_room() -> None:
    process = Process(most=1)
    await process.end_of((await process.start(IN_BACKGROUND)).id)

    await process.end_of((await process.start(IN_BACKGROUND)).id)
    await process.background.aclose()

    assert len(process.llm.requests) == 2


async def test_the_end_of_the_service_fails_what_is_under_way() -> None:
    process = Process()
    process.llm.gate = asyncio.Event()
    begun, waiting = [await process.start(IN_BACKGROUND) for _ in range(2)]
    await process.llm.asked.wait()

    await process.background.aclose()

    for taken in (begun, waiting):
        response = await process.store.get(OWNER, taken.id)
        assert response.status is ResponseStatus.FAILED
        assert response.failure is not None
        assert "ended before" in response.failure.message
    with pytest.raises(UpstreamUnavailableError):
        await process.start(IN_BACKGROUND)
    await process.background.aclose()


class Stuck(MemoryStore):
    """Writes nothing until it is told to."""

    gate: asyncio.Event | None = None

    async def release(self, owner: str, key: str) -> None:
        if self.gate is not None:
            await self.gate.wait()
        await super().release(owner, key)


async def test_a_store_that_is_stuck_does_not_keep_the_service_from_ending() -> None:
    clock = FixedClock()
    store = Stuck(clock)
    process = Process(store, clock=clock)
    process.llm.gate = asyncio.Event()
    taken = await process.start(IN_BACKGROUND)
    await process.llm.asked.wait()
    store.gate = asyncio.Event()

    async with asyncio.timeout(10):
        await process.background.aclose()
    store.gate.set()

    response = await process.sibling().background.get(OWNER, taken.id)
    assert not response.status.final


async def test_what_never_began_is_failed_too() -> None:
    process = Process()
    taken = await process.start(IN_BACKGROUND)

    await process.background.aclose()

    assert (await process.store.get(OWNER, taken.id)).status is ResponseStatus.FAILED
    assert process.llm.requests == []


async def test_what_a_dead_process_was_making_has_failed() -> None:
    dead = Process()
    dead.llm.gate = asyncio.Event()
    taken = await dead.start(IN_BACKGROUND)
    await dead.llm.asked.wait()
    living = dead.sibling()

    alive = await living.background.get(OWNER, taken.id)
    dead.clock.now += lease.LIFE_S
    lost = await living.background.get(OWNER, taken.id)
    dead.llm.gate.set()
    await dead.end_of(taken.id)
    await dead.background.aclose()

    assert not alive.status.final
    assert lost.status is ResponseStatus.FAILED
    assert lost.failure is not None
    assert lost.failure.code == "server_error"
    assert await dead.store.get(OWNER, taken.id) == lost


async def test_a_process_shows_that_it_lives_as_long_as_the_model_is_silent() -> None:
    process = Process(beat_s=0)
    process.llm.gate = asyncio.Event()
    taken = [await process.start(IN_BACKGROUND) for _ in range(2)]
    await process.llm.opened(2)

    process.clock.now += lease.LIFE_S
    await asyncio.sleep(0)
    found = [await process.sibling().background.get(OWNER, one.id) for one in taken]
    await process.background.aclose()

    assert not any(response.status.final for response in found)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_another_process_can_follow_and_cancel() -> None:
    making = Process()
    making.llm.gate = asyncio.Event()
    other = making.sibling()
    taken = await making.start(IN_BACKGROUND)
    await making.llm.asked.wait()
    ending = asyncio.create_task(other.end_of(taken.id))

    cancelled = await other.background.cancel(OWNER, taken.id)
    ended = await ending
    making.llm.gate.set()
    here = await making.end_of(taken.id)
    await making.background.aclose()

    assert cancelled.status is ResponseStatus.CANCELLED
    assert ended == here == cancelled
    assert making.llm.streams[0].closed.is_set()


async def test_following_from_afar_sees_that_the_maker_died() -> None:
    dead = Process()
    dead.llm.gate = asyncio.Event()
    taken = await dead.start(IN_BACKGROUND)
    stream = await dead.sibling().background.follow(OWNER, taken.id)
    await anext(stream)

    dead.clock.now += lease.LIFE_S
    _, final = [step async for step in stream][-1]
    await dead.background.aclose()

    assert final is not None
    assert final.status is ResponseStatus.FAILED


async def test_an_end_from_elsewhere_is_seen_while_the_model_is_silent() -> None:
    process = Process()
    process.llm.gate = asyncio.Event()
    taken = await process.start(IN_BACKGROUND)
    await process.llm.asked.wait()

    ending = asyncio.create_task(process.end_of(taken.id))
    await turn_over()

    cancelled = await process.sibling().background.cancel(OWNER, taken.id)
    async with asyncio.timeout(LIMIT_S):
        ended = await ending
    await process.background.aclose()

    assert ended == cancelled


async def test_nobody_ends_what_is_made_for_another() -> None:
    process = Process()
    process.llm.gate = asyncio.Event()
    taken = await process.start(IN_BACKGROUND)
    await process.llm.asked.wait()

    with pytest.raises(NotFoundError):
        await process.background.delete("other", taken.id)
    process.llm.gate.set()
    ended = await process.end_of(taken.id)
    await process.background.aclose()

    assert ended.status is ResponseStatus.COMPLETED


async def test_deleting_elsewhere_ends_the_making() -> None:
    process = Process()
    process.llm.gate = asyncio.Event()
    taken = await process.start(IN_BACKGROUND)
    await process.llm.asked.wait()

    await process.sibling().background.delete(OWNER, taken.id)
    process.llm.gate.set()
    await process.llm.streams[0].closed.wait()
    await process.background.aclose()

    with pytest.raises(NotFoundError):
        await process.store.get(OWNER, taken.id)


async def test_a_conversation_that_goes_meanwhile_fails_it() -> None:
    process = Process()
    process.llm.gate = asyncio.Event()
    await process.store.put_conversation(OWNER, Conversation("conv_1", 7))
    taken = await process.start(asked(background=True, conversation_id="conv_1"))
    await process.llm.asked.wait()

    await process.store.delete_conversation(OWNER, "conv_1")
    process.llm.gate.set()
    ended = await process.end_of(taken.id)
    await process.background.aclose()

    assert ended.status is ResponseStatus.FAILED
    assert ended.failure is not None
    assert "Conversation" in ended.failure.message


class Failing(MemoryStore):
    """Fails to advance what it keeps."""

    async def advance(
        self,
        owner: str,  # noqa: ARG002 - it fails for anyone
        response: StoredResponse,
        records: Sequence[bytes] = (),
    ) -> StoredResponse:
        message = f"It broke before {len(records)} records of {response.id}."
        raise StoreError(message)


async def test_where_nothing_can_be_kept_nothing_breaks() -> None:
    process = Process(Failing(FixedClock()))
    taken = await process.start(IN_BACKGROUND)
    await process.llm.asked.wait()

    await process.llm.streams[0].closed.wait()
    await process.background.aclose()

    kept = await process.store.get(OWNER, taken.id)
    assert kept.status is ResponseStatus.QUEUED


async def test_an_answer_that_was_cut_has_no_time_of_completion() -> None:
    process = Process()
    process.llm.play([TextDelta("Hel"), Finished(FinishReason.LENGTH, USAGE)])

    ended = await process.end_of((await process.start(IN_BACKGROUND)).id)
    await process.background.aclose()

    assert (ended.status, ended.completed) == (ResponseStatus.INCOMPLETE, None)


async def test_what_was_whole_before_a_failure_is_kept() -> None:
    process = Process()
    process.llm.play([ReasoningDelta("Hm.")], [TextDelta("Hel")], UpstreamError("It broke."))

    ended = await process.end_of((await process.start(IN_BACKGROUND)).id)
    await process.background.aclose()

    assert ended.status is ResponseStatus.FAILED
    assert [type(item) for item in ended.output] == [ReasoningItem]


async def test_every_piece_is_kept_as_it_comes() -> None:
    process = Process()
    held = asyncio.Event()
    process.llm.play([TextDelta("Hel")], [TextDelta("lo")], held, [STOP])
    taken = await process.start(IN_BACKGROUND)
    stream = await process.background.follow(OWNER, taken.id)
    records: list[bytes] = []
    while records.count(b"TextAdded") < 2:
        records += (await anext(stream))[0]

    held.set()
    rest, final = await anext(stream)
    await stream.aclose()
    await process.background.aclose()

    assert records == [b"Queued", b"Began", b"ItemAdded", b"TextAdded", b"TextAdded"]
    assert rest == [b"ItemDone"]
    assert final is not None
    assert final.status is ResponseStatus.COMPLETED


@pytest.mark.parametrize("start", range(8))
async def test_records_from_any_number_on_come_once_each(start: int) -> None:
    # Long looks: news of what is made here is told at once.
    process = Process(look_s=3600)
    first, second = asyncio.Event(), asyncio.Event()
    process.llm.play([TextDelta("Hel")], first, [TextDelta("lo")], second, [STOP])
    taken = await process.start(IN_BACKGROUND)
    records: list[bytes] = []
    finals: list[StoredResponse | None] = []

    async def follow() -> None:
        async for some, final in await process.background.follow(OWNER, taken.id, start):
            records.extend(some)
            finals.append(final)

    following = asyncio.create_task(follow())
    async with asyncio.timeout(LIMIT_S):
        whole = await process.background.follow(OWNER, taken.id)
        seen: list[bytes] = []
        for pieces, held in enumerate((first, second), 1):
            while seen.count(b"TextAdded") < pieces:
                seen += (await anext(whole))[0]
            await turn_over()
            held.set()
        await following
    await process.background.aclose()

    told = [b"Queued", b"Began", b"ItemAdded", b"TextAdded", b"TextAdded", b"ItemDone"]
    assert records == told[start:]
    assert (finals[-1] is None) == (start > len(told))


@pytest.mark.parametrize("ending", ["cancel", "delete"])
async def test_an_end_from_elsewhere_is_seen_at_the_next_piece(ending: str) -> None:
    process = Process()
    held = asyncio.Event()
    process.llm.play([TextDelta("Hel")], held, [TextDelta("lo")], [STOP])
    taken = await process.start(IN_BACKGROUND)
    stream = await process.background.follow(OWNER, taken.id)
    while b"Began" not in (await anext(stream))[0]:
        pass

    await getattr(process.sibling().background, ending)(OWNER, taken.id)
    held.set()
    await process.llm.streams[0].closed.wait()
    await process.background.aclose()

    assert process.llm.streams[0].taken == 2
