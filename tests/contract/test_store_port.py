from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import pytest

from application.ports.store import ResponseStorePort
from domain.chat import TokenLogprob, TopLogprob, Usage
from domain.conversation import (
    Conversation,
    Failure,
    ResponseStatus,
    Shortfall,
    StoredResponse,
)
from domain.errors import NotFoundError, StoreError
from domain.items import (
    AnswerText,
    CompactionItem,
    CustomCallItem,
    CustomOutputItem,
    FunctionCallItem,
    FunctionOutputItem,
    ImageInput,
    Item,
    ItemStatus,
    MessageItem,
    ReasoningItem,
    Refusal,
    item_id,
)
from domain.messages import ImageLink, ImagePart, Role, TextPart
from tests.support.stores import OPENERS, Bounds, Grounds, Opened, Opener

Deed: TypeAlias = Callable[[ResponseStorePort, str], Awaitable[object]]

OWNER = "owner-1"
OTHER = "owner-2"

OWN = [item_id("resp_1", "msg_", f"{number:012d}") for number in range(2)]
LOGPROBS = (
    TokenLogprob(
        "He", -0.5, b"He", (TopLogprob("He", -0.5, b"He"), TopLogprob("\ud7ff", -3, None))
    ),
    TokenLogprob("\ufffd", -0.25, b"\xf0\x9f"),
)
ITEMS: tuple[Item, ...] = (
    MessageItem("msg_1", Role.USER, (TextPart("Hi"), TextPart("")), ItemStatus.COMPLETED),
    MessageItem(
        "msg_2",
        Role.DEVELOPER,
        (
            ImageInput(ImagePart("image/gif", "R0lGODlhAQABAAAAACw="), "low"),
            ImageInput(ImageLink("https://images.test/a.png", "input[0].content[1]"), "auto"),
        ),
    ),
    MessageItem(
        "msg_3",
        Role.ASSISTANT,
        (AnswerText("Hé\u2028\x00", LOGPROBS), Refusal("No.")),
        ItemStatus.INCOMPLETE,
        "final_answer",
    ),
    FunctionCallItem("fc_1", "call_1", "get_weather", '{"city":"Rome"}', ItemStatus.INCOMPLETE),
    FunctionOutputItem("fco_1", "call_1", "sunny"),
    FunctionOutputItem("fco_2", "call_1", (TextPart("sunny"),), ItemStatus.IN_PROGRESS),
    CustomCallItem("ctc_1", "call_2", "sh", "ls\n", '{"input":"ls\\n"}'),
    FunctionCallItem("fc_2", "call_3", "look", "{}", namespace="n"),
    CustomCallItem("ctc_2", "call_4", "say", "Hi", '{"input":"Hi"}', namespace="n"),
    CustomOutputItem("ctco_1", "call_2", (TextPart("a.txt"),)),
    CustomOutputItem("ctco_2", "call_2", "a.txt"),
    ReasoningItem("rs_1", ("Short.", "Shorter."), ("Long.",), ItemStatus.INCOMPLETE),
    CompactionItem("cmp_1", "They met."),
)
WHOLE = StoredResponse(
    id="resp_1",
    created=1_700_000_000,
    model="llama3",
    status=ResponseStatus.INCOMPLETE,
    echo=b'{"temperature":0.7}',
    input=ITEMS[:5],
    output=ITEMS[5:],
    previous_id="resp_0",
    conversation_id="conv_1",
    background=True,
    completed=1_700_000_009,
    usage=Usage(5, 4, 3, 2),
    failure=Failure("server_error", "It broke."),
    shortfall=Shortfall.MAX_OUTPUT_TOKENS,
)

DEEDS: dict[str, Deed] = {
    "get": lambda s, o: s.get(o, "resp_1"),
    "advance": lambda s, o: s.advance(o, response()),
    "delete": lambda s, o: s.delete(o, "resp_1"),
    "append_records": lambda s, o: s.append_records(o, "resp_1", [b"x"]),
    "read_records": lambda s, o: s.read_records(o, "resp_1"),
    "get_conversation": lambda s, o: s.get_conversation(o, "conv_1"),
    "delete_conversation": lambda s, o: s.delete_conversation(o, "conv_1"),
    "append_items": lambda s, o: s.append_items(o, "conv_1", [ITEMS[0]]),
    "list_items": lambda s, o: s.list_items(o, "conv_1"),
    "delete_item": lambda s, o: s.delete_item(o, "conv_1", "msg_1"),
}


def response(
    response_id: str = "resp_1",
    *items: Item,
    status: ResponseStatus = ResponseStatus.COMPLETED,
    echo: bytes = b"{}",
) -> StoredResponse:
    return StoredResponse(response_id, 1_700_000_000, "llama3", status, echo, output=items)


def said(item_id: str, text: str) -> MessageItem:
    return MessageItem(item_id, Role.ASSISTANT, (AnswerText(text),))


@pytest.fixture
def bounds() -> Bounds:
    return Bounds()


@pytest.fixture(params=[pytest.param(opener, id=name) for name, opener in OPENERS.items()])
async def opened(
    request: pytest.FixtureRequest, bounds: Bounds, grounds: Grounds
) -> AsyncIterator[Opened]:
    opener: Opener = request.param
    async with opener(bounds, grounds) as subject:
        yield subject


@pytest.fixture
def store(opened: Opened) -> ResponseStorePort:
    return opened.store


async def test_a_response_comes_back_as_it_was_put(store: ResponseStorePort) -> None:
    await store.put(OWNER, WHOLE)

    assert await store.get(OWNER, "resp_1") == WHOLE


async def test_put_replaces_even_a_final_response_and_drops_its_records(
    store: ResponseStorePort,
) -> None:
    await store.put(OWNER, response(status=ResponseStatus.IN_PROGRESS))
    await store.advance(OWNER, response(echo=b'{"a":1}'), [b"zero"])

    await store.put(OWNER, response(echo=b'{"a":2}'))

    assert (await store.get(OWNER, "resp_1")).echo == b'{"a":2}'
    assert await store.read_records(OWNER, "resp_1") == (ResponseStatus.COMPLETED, [])


async def test_what_is_missing_is_named(store: ResponseStorePort) -> None:
    with pytest.raises(NotFoundError, match=r"Response with id 'resp_9' not found\.") as caught:
        await store.get(OWNER, "resp_9")

    assert (caught.value.code, caught.value.param) == (None, None)


@pytest.mark.parametrize("deed", [pytest.param(deed, id=name) for name, deed in DEEDS.items()])
async def test_another_owner_finds_nothing_and_changes_nothing(
    store: ResponseStorePort, deed: Deed
) -> None:
    kept = response("resp_1", ITEMS[0], status=ResponseStatus.IN_PROGRESS)
    await store.put(OWNER, kept)
    await store.append_records(OWNER, "resp_1", [b"zero"])
    await store.put_conversation(OWNER, Conversation("conv_1", 1))
    await store.append_items(OWNER, "conv_1", [ITEMS[1]])

    with pytest.raises(NotFoundError):
        await deed(store, OTHER)

    assert await store.find_items(OTHER, ["msg_1", "msg_2"]) == {}
    assert await store.get(OWNER, "resp_1") == kept
    assert await store.read_records(OWNER, "resp_1") == (kept.status, [b"zero"])
    assert await store.list_items(OWNER, "conv_1") == [ITEMS[1]]


@pytest.mark.parametrize(
    "odd",
    [
        "' OR 1=1 --",
        "%",
        "_",
        "*",
        "?",
        "[1]",
        "}{",
        "",
        "1:",
        "resp_1\x00",
        "\r\nGET",
        "é" * 10_000,
    ],
)
async def test_odd_ids_are_ids(store: ResponseStorePort, odd: str) -> None:
    await store.put(OWNER, response("resp_1"))
    await store.put(OTHER, response(odd))

    for lookup in (store.get(OWNER, odd), store.delete(OWNER, odd)):
        with pytest.raises(NotFoundError):
            await lookup
    assert await store.find_items(OWNER, [odd]) == {}
    assert await store.get(OTHER, odd) == response(odd)
    assert await store.get(OWNER, "resp_1") == response("resp_1")


async def test_owners_may_have_the_same_ids(store: ResponseStorePort) -> None:
    await store.put(OWNER, response("resp_1", said("msg_1", "one")))
    await store.put(OTHER, response("resp_1", said("msg_1", "two")))

    await store.delete(OWNER, "resp_1")

    assert await store.find_items(OTHER, ["msg_1"]) == {"msg_1": said("msg_1", "two")}


async def test_deleting_forgets_the_response_its_items_and_its_records(
    store: ResponseStorePort,
) -> None:
    await store.put(OWNER, response("resp_1", ITEMS[0], status=ResponseStatus.QUEUED))
    await store.append_records(OWNER, "resp_1", [b"zero"])

    await store.delete(OWNER, "resp_1")

    assert await store.find_items(OWNER, ["msg_1"]) == {}
    for gone in (store.get, store.delete, store.read_records):
        with pytest.raises(NotFoundError):
            await gone(OWNER, "resp_1")


async def test_a_response_under_way_advances(store: ResponseStorePort) -> None:
    await store.put(OWNER, response(status=ResponseStatus.QUEUED))

    stands = await store.advance(OWNER, response("resp_1", ITEMS[0]))

    assert stands == response("resp_1", ITEMS[0])
    assert await store.get(OWNER, "resp_1") == stands
    assert await store.find_items(OWNER, ["msg_1"]) == {"msg_1": ITEMS[0]}


async def test_advancing_replaces_the_items(store: ResponseStorePort) -> None:
    begun = response("resp_1", ITEMS[0], ITEMS[1], status=ResponseStatus.IN_PROGRESS)
    await store.put(OWNER, begun)

    await store.advance(OWNER, response("resp_1", ITEMS[1], ITEMS[2]))

    found = await store.find_items(OWNER, ["msg_1", "msg_2", "msg_3"])
    assert found == {"msg_2": ITEMS[1], "msg_3": ITEMS[2]}


async def test_the_first_end_counts(store: ResponseStorePort) -> None:
    cancelled = response(status=ResponseStatus.CANCELLED)
    await store.put(OWNER, response(status=ResponseStatus.IN_PROGRESS))
    await store.advance(OWNER, cancelled)

    stands = await store.advance(OWNER, response("resp_1", ITEMS[0]), [b"too late"])

    assert stands == cancelled
    assert await store.get(OWNER, "resp_1") == cancelled
    assert await store.find_items(OWNER, ["msg_1"]) == {}
    assert await store.read_records(OWNER, "resp_1") == (ResponseStatus.CANCELLED, [])


async def test_of_ends_at_once_one_counts(store: ResponseStorePort) -> None:
    ends = [response(echo=b'{"end":%d}' % number) for number in range(8)]
    await store.put(OWNER, response(status=ResponseStatus.IN_PROGRESS))

    stands = await asyncio.gather(*(store.advance(OWNER, end) for end in ends))

    assert all(each == stands[0] for each in stands)
    assert await store.get(OWNER, "resp_1") == stands[0]


async def test_records_are_numbered_across_writes(store: ResponseStorePort) -> None:
    await store.put(OWNER, response(status=ResponseStatus.QUEUED))

    await store.append_records(OWNER, "resp_1", [b"zero", b""])
    status = await store.append_records(OWNER, "resp_1", [b"two\n\x00"])
    await store.advance(OWNER, response(), [b"three"])

    assert status is ResponseStatus.QUEUED
    ended = ResponseStatus.COMPLETED
    assert await store.read_records(OWNER, "resp_1") == (
        ended,
        [b"zero", b"", b"two\n\x00", b"three"],
    )
    assert await store.read_records(OWNER, "resp_1", 2) == (ended, [b"two\n\x00", b"three"])
    assert await store.read_records(OWNER, "resp_1", 9) == (ended, [])


async def test_a_writer_is_told_of_a_cancellation(store: ResponseStorePort) -> None:
    await store.put(OWNER, response(status=ResponseStatus.IN_PROGRESS))
    await store.advance(OWNER, response(status=ResponseStatus.CANCELLED))

    status = await store.append_records(OWNER, "resp_1", [b"too late"])

    assert status is ResponseStatus.CANCELLED
    assert await store.read_records(OWNER, "resp_1") == (status, [])


async def test_items_are_found_in_input_output_and_conversations(
    store: ResponseStorePort,
) -> None:
    await store.put(OWNER, WHOLE)
    await store.put_conversation(OWNER, Conversation("conv_1", 1))
    await store.append_items(OWNER, "conv_1", [said("msg_9", "nine")])

    found = await store.find_items(OWNER, [*(item.id for item in ITEMS), "msg_9", "msg_0"])

    assert found == {item.id: item for item in ITEMS} | {"msg_9": said("msg_9", "nine")}


async def test_items_whose_ids_tell_their_response_are_found(store: ResponseStorePort) -> None:
    asked, answer = said(OWN[0], "asked"), said(OWN[1], "answer")
    whole = replace(response("resp_1", answer), input=(asked,))
    await store.put(OWNER, whole)

    assert await store.find_items(OWNER, OWN) == {OWN[0]: asked, OWN[1]: answer}
    assert await store.find_items(OTHER, OWN) == {}
    await store.delete(OWNER, "resp_1")
    assert await store.find_items(OWNER, OWN) == {}


async def test_an_id_that_tells_a_response_may_stand_elsewhere(store: ResponseStorePort) -> None:
    await store.put(OWNER, response("resp_1", status=ResponseStatus.QUEUED))
    await store.put(OWNER, response("resp_2", said(OWN[0], "elsewhere")))
    assert await store.find_items(OWNER, OWN) == {OWN[0]: said(OWN[0], "elsewhere")}

    await store.advance(OWNER, response("resp_1", said(OWN[0], "here")))

    assert await store.find_items(OWNER, OWN) == {OWN[0]: said(OWN[0], "here")}
    await store.delete(OWNER, "resp_1")
    assert await store.find_items(OWNER, OWN) == {OWN[0]: said(OWN[0], "elsewhere")}


async def test_puts_at_once_are_as_puts_one_by_one(store: ResponseStorePort) -> None:
    await store.put(OWNER, response("resp_1", ITEMS[0], status=ResponseStatus.QUEUED))
    await store.append_records(OWNER, "resp_1", [b"zero"])
    ids = ("resp_2", "resp_1", "resp_3", "resp_1")

    await asyncio.gather(*(store.put(OWNER, response(id_, said("msg_9", id_))) for id_ in ids))

    assert [(await store.get(OWNER, id_)).id for id_ in ids] == list(ids)
    assert await store.read_records(OWNER, "resp_1") == (ResponseStatus.COMPLETED, [])
    assert (await store.find_items(OWNER, ["msg_1", "msg_9"])).keys() == {"msg_9"}


async def test_of_items_with_one_id_the_latest_that_is_kept_counts(
    opened: Opened, store: ResponseStorePort
) -> None:
    await store.put(OWNER, response("resp_1", said("msg_1", "old")))
    await opened.pass_time(1)
    await store.put(OWNER, response("resp_2", said("msg_1", "new")))

    assert await store.find_items(OWNER, ["msg_1"]) == {"msg_1": said("msg_1", "new")}
    await store.delete(OWNER, "resp_2")
    assert await store.find_items(OWNER, ["msg_1"]) == {"msg_1": said("msg_1", "old")}


async def test_a_conversation_comes_back_as_it_was_put(store: ResponseStorePort) -> None:
    await store.put_conversation(OWNER, Conversation("conv_1", 7, {"topic": "tea"}))
    await store.append_items(OWNER, "conv_1", [ITEMS[0]])

    await store.put_conversation(OWNER, Conversation("conv_1", 7, {"topic": "é"}))

    assert await store.get_conversation(OWNER, "conv_1") == Conversation(
        "conv_1", 7, {"topic": "é"}
    )
    assert await store.list_items(OWNER, "conv_1") == [ITEMS[0]]


async def test_a_conversation_is_no_response(store: ResponseStorePort) -> None:
    await store.put(OWNER, response("x_1"))
    await store.put_conversation(OWNER, Conversation("x_2", 7))

    with pytest.raises(NotFoundError, match="Conversation with id 'x_1' not found"):
        await store.get_conversation(OWNER, "x_1")
    with pytest.raises(NotFoundError, match="Response with id 'x_2' not found"):
        await store.get(OWNER, "x_2")


async def test_items_of_a_conversation_keep_their_order(store: ResponseStorePort) -> None:
    await store.put_conversation(OWNER, Conversation("conv_1", 7))

    await store.append_items(OWNER, "conv_1", ITEMS[3:])
    await store.append_items(OWNER, "conv_1", ITEMS[:3])

    assert await store.list_items(OWNER, "conv_1") == [*ITEMS[3:], *ITEMS[:3]]


async def test_an_item_that_comes_again_keeps_its_place(store: ResponseStorePort) -> None:
    await store.put_conversation(OWNER, Conversation("conv_1", 7))
    await store.append_items(OWNER, "conv_1", [said("msg_1", "a"), said("msg_2", "b")])

    await store.append_items(OWNER, "conv_1", [said("msg_3", "c"), said("msg_1", "d")])

    assert await store.list_items(OWNER, "conv_1") == [
        said("msg_1", "d"),
        said("msg_2", "b"),
        said("msg_3", "c"),
    ]


async def test_an_item_is_taken_out_of_a_conversation(store: ResponseStorePort) -> None:
    await store.put_conversation(OWNER, Conversation("conv_1", 7))
    await store.append_items(OWNER, "conv_1", ITEMS[:2])

    await store.delete_item(OWNER, "conv_1", "msg_1")

    assert await store.list_items(OWNER, "conv_1") == [ITEMS[1]]
    assert await store.find_items(OWNER, ["msg_1"]) == {}
    with pytest.raises(NotFoundError, match="Item with id 'msg_1' not found"):
        await store.delete_item(OWNER, "conv_1", "msg_1")


async def test_a_deleted_conversation_takes_its_items_but_not_its_responses(
    store: ResponseStorePort,
) -> None:
    await store.put(OWNER, WHOLE)
    await store.put_conversation(OWNER, Conversation("conv_1", 7))
    await store.append_items(OWNER, "conv_1", [said("msg_9", "nine")])

    await store.delete_conversation(OWNER, "conv_1")

    assert await store.find_items(OWNER, ["msg_9"]) == {}
    assert await store.get(OWNER, "resp_1") == WHOLE
    for gone in (store.get_conversation, store.delete_conversation, store.list_items):
        with pytest.raises(NotFoundError):
            await gone(OWNER, "conv_1")


async def test_what_was_not_written_for_long_is_forgotten(
    opened: Opened, store: ResponseStorePort
) -> None:
    await store.put(OWNER, response("resp_1", ITEMS[0]))
    await store.put(OWNER, response("resp_2", status=ResponseStatus.QUEUED))
    await store.put_conversation(OWNER, Conversation("conv_1", 7))
    await opened.pass_time(2000)
    await store.append_records(OWNER, "resp_2", [b"zero"])
    await opened.pass_time(2000)

    assert await store.find_items(OWNER, ["msg_1"]) == {}
    assert (await store.get(OWNER, "resp_2")).status is ResponseStatus.QUEUED
    with pytest.raises(NotFoundError):
        await store.get(OWNER, "resp_1")
    with pytest.raises(NotFoundError):
        await store.append_items(OWNER, "conv_1", [ITEMS[1]])


async def test_what_was_forgotten_comes_again_without_what_hung_on_it(
    opened: Opened, store: ResponseStorePort
) -> None:
    await store.put(OWNER, response("resp_1", ITEMS[0], status=ResponseStatus.QUEUED))
    await store.append_records(OWNER, "resp_1", [b"zero"])
    await store.put_conversation(OWNER, Conversation("conv_1", 7))
    await store.append_items(OWNER, "conv_1", [ITEMS[1]])
    await opened.pass_time(4000)

    await store.put_conversation(OWNER, Conversation("conv_1", 7))
    await store.put(OWNER, response("resp_1"))

    assert await store.list_items(OWNER, "conv_1") == []
    assert await store.read_records(OWNER, "resp_1") == (ResponseStatus.COMPLETED, [])
    assert await store.find_items(OWNER, ["msg_1", "msg_2"]) == {}


async def test_one_claim_of_many_wins(store: ResponseStorePort) -> None:
    claims = [store.claim(OWNER, "key", f"resp_{number}", 60) for number in range(8)]

    won = await asyncio.gather(*claims)

    assert len(set(won)) == 1
    assert await store.claim(OTHER, "key", "resp_9", 60) == "resp_9"


async def test_a_released_claim_is_free(store: ResponseStorePort) -> None:
    await store.claim(OWNER, "key", "resp_1", 60)

    await store.release(OWNER, "key")
    await store.release(OWNER, "key")

    assert await store.claim(OWNER, "key", "resp_2", 60) == "resp_2"


async def test_a_claim_ends_with_its_own_time(opened: Opened, store: ResponseStorePort) -> None:
    await store.claim(OWNER, "short", "resp_1", 60)
    await store.claim(OWNER, "long", "resp_1", 7200)

    await opened.pass_time(4000)

    assert await store.claim(OWNER, "short", "resp_2", 60) == "resp_2"
    assert await store.claim(OWNER, "long", "resp_2", 60) == "resp_1"


@pytest.mark.parametrize("bounds", [pytest.param(Bounds(entries=2), id="small")])
async def test_over_the_count_what_was_written_longest_ago_goes(
    opened: Opened, store: ResponseStorePort
) -> None:
    for number in (1, 2):
        await store.put(OWNER, response(f"resp_{number}", status=ResponseStatus.QUEUED))
        await opened.pass_time(1)
    await store.append_records(OWNER, "resp_1", [b"zero"])
    await opened.pass_time(1)

    await store.put(OTHER, response("resp_3"))

    assert (await store.get(OWNER, "resp_1")).status is ResponseStatus.QUEUED
    with pytest.raises(NotFoundError):
        await store.get(OWNER, "resp_2")


@pytest.mark.parametrize("bounds", [pytest.param(Bounds(limit_bytes=64 * 1024), id="small")])
async def test_over_the_bytes_what_was_written_longest_ago_goes(
    opened: Opened, store: ResponseStorePort
) -> None:
    for number in range(4):
        await store.put(OWNER, response(f"resp_{number}", echo=b"x" * 20_000))
        await opened.pass_time(1)

    assert (await store.get(OWNER, "resp_3")).id == "resp_3"
    with pytest.raises(NotFoundError):
        await store.get(OWNER, "resp_0")


@pytest.mark.parametrize("bounds", [pytest.param(Bounds(limit_bytes=64 * 1024), id="small")])
async def test_items_of_conversations_count_among_the_bytes(
    opened: Opened, store: ResponseStorePort
) -> None:
    item = MessageItem("msg_1", Role.USER, (TextPart("x" * 20_000),))
    for number in range(4):
        await store.put_conversation(OWNER, Conversation(f"conv_{number}", 7))
        await store.append_items(OWNER, f"conv_{number}", [item])
        await opened.pass_time(1)

    assert await store.list_items(OWNER, "conv_3") == [item]
    with pytest.raises(NotFoundError):
        await store.get_conversation(OWNER, "conv_0")


@pytest.mark.parametrize("bounds", [pytest.param(Bounds(limit_bytes=64 * 1024), id="small")])
async def test_what_is_larger_than_all_room_is_refused(store: ResponseStorePort) -> None:
    await store.put(OWNER, response("resp_1", status=ResponseStatus.QUEUED))

    small, large = response("resp_3"), response("resp_2", echo=b"x" * 70_000)
    puts = [store.put(OWNER, each) for each in (small, large)]
    _, refusal = await asyncio.gather(*puts, return_exceptions=True)
    assert isinstance(refusal, StoreError)
    assert "larger" in refusal.message
    with pytest.raises(StoreError, match="larger"):
        await store.append_records(OWNER, "resp_1", [b"x" * 70_000])

    assert await store.read_records(OWNER, "resp_1") == (ResponseStatus.QUEUED, [])
    assert await store.get(OWNER, "resp_3") == small
