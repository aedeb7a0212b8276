"""What a connection remembers."""

from __future__ import annotations

import pytest

from adapters.stores.memory import MemoryStore
from application.history import MOST_CHARACTERS, MOST_RESPONSES
from application.memory import ConnectionMemory
from domain.conversation import Conversation, ResponseStatus, StoredResponse
from domain.errors import NotFoundError, UpstreamError
from domain.items import MessageItem
from domain.messages import Role, TextPart
from tests.support.fake_system import FixedClock


def response(number: int, text: str = "a") -> StoredResponse:
    item = MessageItem(f"msg_{number}", Role.USER, (TextPart(text),))
    return StoredResponse(f"resp_{number}", 0, "model", ResponseStatus.COMPLETED, input=(item,))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(FixedClock())


@pytest.fixture
def memory(store: MemoryStore) -> ConnectionMemory:
    return ConnectionMemory(store)


async def has(memory: ConnectionMemory, number: int) -> bool:
    try:
        await memory.get("me", f"resp_{number}")
    except NotFoundError:
        return False
    return True


async def test_what_is_remembered_and_what_is_kept_are_both_there(
    memory: ConnectionMemory, store: MemoryStore
) -> None:
    await store.put("me", response(1))
    memory.remember(response(2))

    assert await memory.get("me", "resp_1") == response(1)
    assert await memory.get("me", "resp_2") == response(2)
    items = await memory.find_items("me", ["msg_1", "msg_2", "msg_3"])
    assert items == {"msg_1": response(1).input[0], "msg_2": response(2).input[0]}
    assert await memory.find_items("me", ["msg_2"]) == {"msg_2": response(2).input[0]}


async def test_conversations_are_those_that_are_kept(
    memory: ConnectionMemory, store: MemoryStore
) -> None:
    await store.put_conversation("me", Conversation("conv_1", 0))
    await store.append_items("me", "conv_1", response(1).input)

    assert await memory.list_items("me", "conv_1") == list(response(1).input)


async def test_what_is_forgotten_is_gone(memory: ConnectionMemory) -> None:
    memory.remember(response(1))

    memory.forget("resp_1")
    memory.forget("resp_2")

    assert not await has(memory, 1)


async def test_a_number_of_responses_is_remembered(memory: ConnectionMemory) -> None:
    for number in range(MOST_RESPONSES + 1):
        memory.remember(response(number))

    assert [await has(memory, number) for number in (0, 1, MOST_RESPONSES)] == [False, True, True]


async def test_so_much_is_remembered(memory: ConnectionMemory) -> None:
    half = "a" * (MOST_CHARACTERS // 2)
    for number in range(3):
        memory.remember(response(number, half))

    assert [await has(memory, number) for number in range(3)] == [False, True, True]
    memory.remember(response(3, half + half + "a"))
    assert [await has(memory, number) for number in range(4)] == [False] * 4


async def test_what_fails_makes_what_it_follows_forgotten(memory: ConnectionMemory) -> None:
    for number in (1, 2, 3):
        memory.remember(response(number))
    message = "It broke."

    with pytest.raises(UpstreamError), memory.following("resp_1"):
        raise UpstreamError(message)
    with pytest.raises(UpstreamError), memory.following(None):
        raise UpstreamError(message)
    with memory.following("resp_2"):
        pass

    assert [await has(memory, number) for number in (1, 2, 3)] == [False, True, True]
