"""Repeated requests over a store: what HTTP does not show."""

from __future__ import annotations

from contextlib import suppress

import pytest

from adapters.stores.memory import MemoryStore
from application.repeats import DAY_S, KeyedStream, Repeats
from application.response_events import (
    Began,
    Ended,
    InputAdded,
    ItemAdded,
    ItemDone,
    ResponseEvent,
    TextAdded,
    ThoughtAdded,
)
from application.retell import ToldStream
from domain.conversation import ResponseStatus, StoredResponse
from domain.errors import ConflictError, InvalidRequestError
from domain.items import (
    AnswerText,
    CompactionItem,
    CustomCallItem,
    FunctionCallItem,
    Item,
    ItemStatus,
    MessageItem,
    ReasoningItem,
    Refusal,
)
from domain.messages import Role
from tests.support.fake_system import FixedClock

OWNER = "owner"
BEGUN = ItemStatus.IN_PROGRESS


def response(*output: Item, id_: str = "resp_1") -> StoredResponse:
    return StoredResponse(id_, 7, "llama3", ResponseStatus.COMPLETED, output=output)


class Bench:
    def __init__(self) -> None:
        self.clock = FixedClock()
        self.store = MemoryStore(self.clock)
        self.repeats = Repeats(self.store)

    async def first(self, response_id: str) -> StoredResponse | None:
        return await self.repeats.first(OWNER, "key", "digest", response_id)

    async def make(self, response_id: str) -> None:
        await self.first(response_id)
        await self.store.put(OWNER, response(id_=response_id))
        await self.repeats.made(OWNER, "key")


async def test_a_key_is_forgotten_after_a_day() -> None:
    bench = Bench()
    await bench.make("resp_1")

    bench.clock.now += DAY_S - 1
    kept = await bench.first("resp_2")
    bench.clock.now += 1
    forgotten = await bench.first("resp_3")

    assert kept == response()
    assert forgotten is None


async def test_what_a_dead_process_began_is_begun_anew() -> None:
    bench = Bench()
    await bench.first("resp_1")

    with pytest.raises(ConflictError):
        await bench.first("resp_2")
    bench.clock.now += 4200

    assert await bench.first("resp_3") is None


async def test_a_response_that_was_kept_before_its_maker_died_is_found() -> None:
    bench = Bench()
    await bench.first("resp_1")
    await bench.store.put(OWNER, response())

    bench.clock.now += 4200
    assert await bench.first("resp_2") == response()
    await bench.store.delete(OWNER, "resp_1")
    assert await bench.first("resp_3") is None


@pytest.mark.parametrize("body", ["digest", "another"])
async def test_who_asks_meanwhile_takes_the_making_from_nobody(body: str) -> None:
    bench = Bench()
    await bench.first("resp_1")
    await bench.store.put(OWNER, response())

    with suppress(InvalidRequestError):
        await bench.repeats.first(OWNER, "key", body, "resp_2")
    await bench.store.delete(OWNER, "resp_1")

    with pytest.raises(ConflictError):
        await bench.first("resp_3")


async def test_who_tries_again_after_a_failure_has_all_the_time_there_is() -> None:
    bench = Bench()
    await bench.first("resp_1")
    bench.clock.now += 4000
    await bench.repeats.forget(OWNER, "key")
    await bench.first("resp_2")
    bench.clock.now += 4000

    with pytest.raises(ConflictError):
        await bench.first("resp_3")


async def test_asking_for_something_else_changes_nothing() -> None:
    bench = Bench()
    for _ in range(2):
        await bench.make("resp_1")
        with pytest.raises(InvalidRequestError):
            await bench.repeats.first(OWNER, "key", "another", "resp_2")
        await bench.store.delete(OWNER, "resp_1")

    assert await bench.first("resp_3") is None

    with pytest.raises(InvalidRequestError):
        await bench.repeats.first(OWNER, "key", "another", "resp_4")


async def told(*output: Item) -> list[ResponseEvent]:
    stream = ToldStream(response(*output))
    events = [event for batch in [batch async for batch in stream] for event in batch]
    await stream.aclose()
    return events


async def test_every_kind_of_output_is_told_as_it_came_about() -> None:
    message = MessageItem("msg_1", Role.ASSISTANT, (AnswerText("Hi"), Refusal("No.")))
    thought = ReasoningItem("rs_1", ("Hm.",))
    call = FunctionCallItem("fc_1", "call_1", "f", "{}")
    custom = CustomCallItem("ctc_1", "call_2", "c", "ls", '{"input":"ls"}')
    short = CompactionItem("cmp_1", "Hm.")
    items = (message, thought, call, custom, short)

    assert await told(*items) == [
        Began(response(*items)),
        ItemAdded(0, MessageItem("msg_1", Role.ASSISTANT, (), BEGUN)),
        TextAdded(0, ("Hi",)),
        ItemDone(0, message),
        ItemAdded(1, ReasoningItem("rs_1", (), status=BEGUN)),
        ThoughtAdded(1, "Hm."),
        ItemDone(1, thought),
        ItemAdded(2, FunctionCallItem("fc_1", "call_1", "f", "", BEGUN)),
        InputAdded(2, "{}"),
        ItemDone(2, call),
        ItemAdded(3, CustomCallItem("ctc_1", "call_2", "c", "", '{"input":"ls"}', BEGUN)),
        InputAdded(3, "ls"),
        ItemDone(3, custom),
        ItemAdded(4, short),
        ItemDone(4, short),
        Ended(response(*items)),
    ]


async def test_a_stream_under_a_key_is_remembered_once_it_has_ended() -> None:
    bench = Bench()
    await bench.first("resp_1")
    stream = KeyedStream(ToldStream(response()), bench.repeats, (OWNER, "key"))

    batches = [batch async for batch in stream]
    await stream.aclose()
    await bench.store.put(OWNER, response())

    assert len(batches) == 1
    assert await bench.first("resp_2") == response()


async def test_a_stream_that_is_left_early_is_forgotten() -> None:
    bench = Bench()
    await bench.first("resp_1")
    inner = ToldStream(response())
    stream = KeyedStream(inner, bench.repeats, (OWNER, "key"))

    await stream.aclose()

    assert await bench.first("resp_2") is None
    assert [batch async for batch in inner] == []
