"""The server of ValkeyStore: what is left there, and what befalls servers."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.stores.valkey.server import Server
from adapters.stores.valkey.store import ValkeyStore
from domain.conversation import Conversation, ResponseStatus, StoredResponse
from domain.errors import NotFoundError, StoreError
from domain.items import AnswerText, MessageItem
from domain.messages import Role
from tests.support.valkey import ValkeyServer, program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from adapters.stores.room import Room

OWNER = "owner"
ITEM = MessageItem("msg_1", Role.ASSISTANT, (AnswerText("Hi"),))


def response(
    response_id: str = "resp_1", status: ResponseStatus = ResponseStatus.COMPLETED
) -> StoredResponse:
    return StoredResponse(response_id, 1, "llama3", status, output=(ITEM,))


@pytest.fixture
def own(tmp_path: Path) -> Generator[ValkeyServer]:
    """Give a server that a test may treat badly."""
    if program() is None:
        pytest.skip("needs valkey-server or redis-server on PATH (apt-get install redis-server)")
    server = ValkeyServer(tmp_path)
    server.start()
    yield server
    server.stop()


@contextlib.asynccontextmanager
async def opened(url: str, room: Room | None = None) -> AsyncGenerator[ValkeyStore]:
    store = ValkeyStore(url, room)
    try:
        yield store
    finally:
        await store.aclose()


@pytest.fixture
async def console(valkey: ValkeyServer) -> AsyncGenerator[Server]:
    server = Server(valkey.url)
    yield server
    await server.aclose()


@pytest.fixture
async def store(valkey: ValkeyServer, console: Server) -> AsyncGenerator[ValkeyStore]:
    await console.ask("FLUSHALL")
    async with opened(valkey.url) as store:
        yield store


async def use_all(store: ValkeyStore) -> None:
    await store.put(OWNER, response("resp_1", ResponseStatus.QUEUED))
    await store.append_records(OWNER, "resp_1", [b"zero"])
    await store.advance(OWNER, response("resp_1"), [b"one"])
    await store.read_records(OWNER, "resp_1")
    await store.put(OWNER, response("resp_2"))
    await store.delete(OWNER, "resp_2")
    await store.put_conversation(OWNER, Conversation("conv_1", 1))
    await store.append_items(OWNER, "conv_1", [ITEM, MessageItem("msg_2", Role.USER, ())])
    await store.list_items(OWNER, "conv_1")
    await store.delete_item(OWNER, "conv_1", "msg_2")
    await store.find_items(OWNER, ["msg_1", "msg_2"])
    await store.claim(OWNER, "key", "value", 60)


async def test_everything_ends_by_itself(store: ValkeyStore, console: Server) -> None:
    await use_all(store)

    keys = await console.ask("KEYS", "*")
    ends = {key: await console.ask("TTL", key) for key in keys}

    assert len(keys) > 5
    assert [key for key, end in ends.items() if end <= 0] == []


async def test_nothing_is_left_of_what_is_deleted(store: ValkeyStore, console: Server) -> None:
    await use_all(store)

    await store.delete(OWNER, "resp_1")
    await store.delete_conversation(OWNER, "conv_1")
    await store.release(OWNER, "key")

    assert await console.ask("KEYS", "*") == [b"{responses}:room"]
    room = await console.ask("HGETALL", "{responses}:room")
    assert {name: value for name, value in room.items() if name != b"turn"} == {b"bytes": b"0"}


async def test_no_call_looks_through_all_keys(store: ValkeyStore, console: Server) -> None:
    await console.ask("CONFIG", "RESETSTAT")

    await use_all(store)

    calls = await console.ask("INFO", "commandstats")
    assert [name for name in calls if name.partition("_")[2] in ("keys", "scan", "sort")] == []


async def test_stores_share_what_they_keep(valkey: ValkeyServer, store: ValkeyStore) -> None:
    async with opened(valkey.url) as other:
        await store.put(OWNER, response("resp_1", ResponseStatus.QUEUED))
        await other.append_records(OWNER, "resp_1", [b"zero"])
        await store.append_records(OWNER, "resp_1", [b"one"])
        ends = [
            each.advance(OWNER, StoredResponse("resp_1", number, "m", ResponseStatus.FAILED))
            for number, each in enumerate([store, other] * 4)
        ]

        stands = await asyncio.gather(*ends)

        assert len({end.created for end in stands}) == 1
        assert await other.get(OWNER, "resp_1") == stands[0]
        assert (await other.read_records(OWNER, "resp_1"))[1] == [b"zero", b"one"]


async def test_items_are_found_as_long_as_what_holds_them_is_written(
    store: ValkeyStore, console: Server
) -> None:
    await store.put(OWNER, response("resp_1", ResponseStatus.IN_PROGRESS))
    place = "{responses}:Item:5:owner:msg_1"
    first = await console.ask("TTL", place)

    # Half of its time is over, as its neighbour says by being gone.
    await console.ask("EXPIRE", place, first // 2)
    await console.ask("DEL", "{responses}:Response:5:owner:resp_1*fresh")
    await store.append_records(OWNER, "resp_1", [b"zero"])

    assert first == 60 * 24 * 3600
    assert await console.ask("TTL", place) == first


async def test_a_server_that_comes_back_is_used_again(own: ValkeyServer) -> None:
    async with opened(own.url) as store:
        await asyncio.gather(*(store.put(OWNER, response(f"resp_{n}")) for n in range(8)))
        own.stop()

        for call in (
            store.get(OWNER, "resp_1"),
            store.put(OWNER, response("resp_9")),
            store.release(OWNER, "key"),
        ):
            with pytest.raises(StoreError, match="cannot be reached") as caught:
                await call
            assert caught.value.code == "store_unavailable"

        own.start()
        await store.put(OWNER, response("resp_9"))
        assert await store.get(OWNER, "resp_9") == response("resp_9")


async def test_connections_that_broke_while_idle_are_not_noticed(own: ValkeyServer) -> None:
    async with opened(own.url) as store:
        await asyncio.gather(*(store.put(OWNER, response(f"resp_{n}")) for n in range(8)))
        own.stop()
        own.start()
        # By the time that a new connection is there, the loop has heard of the ends of the old.
        async with opened(own.url) as other:
            await other.release(OWNER, "key")

        calls = [store.put(OWNER, response(f"resp_{n}")) for n in range(8)]
        assert await asyncio.gather(*calls) == [None] * 8


TROUBLES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "no memory": (
        "no memory left",
        ("CONFIG", "SET", "maxmemory", "1"),
        ("CONFIG", "SET", "maxmemory", "0"),
    ),
    "a replica": ("is a replica", ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE")),
    "no leave": (
        "may not do",
        ("ACL", "SETUSER", "default", "-evalsha", "-eval"),
        ("ACL", "SETUSER", "default", "+evalsha", "+eval"),
    ),
}


@pytest.mark.parametrize(("sentence", "begin", "end"), TROUBLES.values(), ids=list(TROUBLES))
async def test_a_server_that_refuses_is_named_as_such_and_nothing_is_changed(
    own: ValkeyServer, sentence: str, begin: tuple[str, ...], end: tuple[str, ...]
) -> None:
    kept = response("resp_1", ResponseStatus.QUEUED)
    server = Server(own.url)
    async with opened(own.url) as store:
        await store.put(OWNER, kept)
        await store.append_records(OWNER, "resp_1", [b"zero"])
        await server.ask(*begin)

        for call in (
            store.put(OWNER, response("resp_1")),
            store.advance(OWNER, response("resp_1"), [b"one"]),
            store.append_records(OWNER, "resp_1", [b"one"]),
            store.put_conversation(OWNER, Conversation("conv_1", 1)),
        ):
            with pytest.raises(StoreError, match=sentence):
                await call

        await server.ask(*end)
        assert await store.get(OWNER, "resp_1") == kept
        assert await store.read_records(OWNER, "resp_1") == (kept.status, [b"zero"])
        assert await store.find_items(OWNER, ["msg_1"]) == {"msg_1": ITEM}
        with pytest.raises(NotFoundError):
            await store.get_conversation(OWNER, "conv_1")
    await server.aclose()


async def test_a_wrong_password_is_named_as_such(own: ValkeyServer) -> None:
    server = Server(own.url)
    await server.ask("CONFIG", "SET", "requirepass", "secret")
    await server.aclose()

    async with opened(own.url.replace("unix://", "unix://:wrong@")) as store:
        with pytest.raises(StoreError, match="refuses this service's password") as caught:
            await store.get(OWNER, "resp_1")

    assert "wrong" not in caught.value.message


async def test_what_is_not_ours_under_a_key_is_a_failure(
    store: ValkeyStore, console: Server
) -> None:
    await console.ask("SET", "{responses}:Response:5:owner:resp_1", "theirs")

    with pytest.raises(StoreError, match="failed; the log says why"):
        await store.get(OWNER, "resp_1")


async def test_responses_that_come_together_are_written_together(
    store: ValkeyStore, console: Server
) -> None:
    many = [response(f"resp_{number}") for number in range(50)]
    await store.put(OWNER, response())
    await console.ask("CONFIG", "RESETSTAT")
    await asyncio.gather(*(store.put(OWNER, each) for each in many))

    calls = await console.ask("INFO", "commandstats")
    assert calls["cmdstat_evalsha"]["calls"] == 1
    assert [await store.get(OWNER, each.id) for each in many] == many
    await store.advance(OWNER, response("resp_7", ResponseStatus.COMPLETED))


async def test_large_responses_are_written_by_themselves(
    store: ValkeyStore, console: Server
) -> None:
    item = MessageItem("msg_1", Role.ASSISTANT, (AnswerText("x" * 700_000),))
    many = [replace(response(f"resp_{number}"), output=(item,)) for number in range(3)]
    await store.put(OWNER, response())
    await console.ask("CONFIG", "RESETSTAT")
    await asyncio.gather(*(store.put(OWNER, each) for each in many))

    calls = await console.ask("INFO", "commandstats")
    assert calls["cmdstat_evalsha"]["calls"] == 3
    assert [await store.get(OWNER, each.id) for each in many] == many


async def test_what_is_refused_of_one_is_written_of_the_others(
    store: ValkeyStore, console: Server
) -> None:
    await console.ask("SET", "{responses}:Response:5:owner:resp_1", "not ours")
    many = [response(f"resp_{number}") for number in range(4)]
    cut = asyncio.create_task(store.put(OWNER, response("resp_9")))
    puts = [asyncio.create_task(store.put(OWNER, each)) for each in many]
    await asyncio.sleep(0)
    cut.cancel()
    outcomes = await asyncio.gather(*puts, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [type(None), StoreError, *[type(None)] * 2]
    assert [(await store.get(OWNER, many[place].id)).id for place in (0, 2, 3)] == [
        "resp_0",
        "resp_2",
        "resp_3",
    ]
    with pytest.raises(NotFoundError):
        await store.get(OWNER, "resp_9")


async def test_where_the_server_is_gone_all_are_told(own: ValkeyServer) -> None:
    async with opened(own.url) as store:
        await store.put(OWNER, response())
        own.stop()
        puts = (store.put(OWNER, response(f"resp_{number}")) for number in range(3))
        outcomes = await asyncio.gather(*puts, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [StoreError] * 3


async def test_a_cut_off_caller_leaves_the_connection_in_order(store: ValkeyStore) -> None:
    for number in range(20):
        await store.put(OWNER, response(f"resp_{number}"))
    calls = [asyncio.ensure_future(store.get(OWNER, f"resp_{n % 20}")) for n in range(200)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()

    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert answers[1::2] == [response(f"resp_{n % 20}") for n in range(1, 200, 2)]
    assert await store.get(OWNER, "resp_3") == response("resp_3")


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
async def test_an_address_where_nobody_is_is_named_as_such(scheme: str) -> None:
    async with opened(f"{scheme}://127.0.0.1:1/0") as store:
        with pytest.raises(StoreError, match="cannot be reached"):
            await store.claim(OWNER, "key", "value", 60)
