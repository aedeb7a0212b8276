"""Responses over fakes, without HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from adapters.schema import RustSchemas
from adapters.stores.memory import MemoryStore
from adapters.stores.room import Room
from application import history
from application.answers import Answers
from application.response_events import Began, Ended
from application.responses import ResponsesService
from application.streaming import Limits
from application.timed import TimedLLM
from domain.chat import ChatRequest
from domain.conversation import (
    Conversation,
    ResponseRequest,
    ResponseStatus,
    StoredResponse,
)
from domain.errors import InvalidRequestError, NotFoundError, StoreError
from domain.items import AnswerText, ItemReference, MessageItem
from domain.messages import Message, Role, TextPart
from tests.support.fake_llm import USAGE, FakeLLM
from tests.support.fake_system import CountingIds, FixedClock

if TYPE_CHECKING:
    from application.ports.images import ImagePort
    from domain.messages import ImageLink, ImagePart

OWNER = "owner"


class NoImages:
    async def fetch(self, link: ImageLink) -> ImagePart:
        raise AssertionError(link.url)


class Bench:
    """A service with everything that it stands on."""

    def __init__(self, room: Room | None = None) -> None:
        self.llm = FakeLLM()
        self.clock = FixedClock()
        self.store = MemoryStore(self.clock, room)
        ids = CountingIds()
        images: ImagePort = NoImages()
        timed = TimedLLM(self.llm, Limits())
        answers = Answers(timed, ids, RustSchemas(), images)
        self.service = ResponsesService(answers, ids, self.clock, self.store)

    async def complete(self, request: ResponseRequest) -> StoredResponse:
        return await self.service.complete(OWNER, request, self.service.begin(request))


def user(text: str, id_: str = "") -> MessageItem:
    return MessageItem(id_, Role.USER, (TextPart(text),))


def asked(text: str = "Hi", **more: object) -> ResponseRequest:
    request = ResponseRequest(ChatRequest("llama3", ()), (user(text),), b'{"a":1}')
    return replace(request, **more)  # type: ignore[arg-type]  # each test names what it changes


async def test_a_response_remembers_what_it_was_asked_and_answered() -> None:
    bench = Bench()

    made = await bench.complete(asked())

    assert made == StoredResponse(
        id="resp_1",
        created=bench.clock.now,
        model="llama3",
        status=ResponseStatus.COMPLETED,
        echo=b'{"a":1}',
        input=(user("Hi", "msg_2"),),
        output=(MessageItem("msg_3", Role.ASSISTANT, (AnswerText("Hello"),)),),
        completed=bench.clock.now,
        usage=USAGE,
    )
    assert await bench.store.get(OWNER, "resp_1") == made


async def test_a_streamed_response_is_kept_before_its_end_is_told() -> None:
    bench = Bench()
    request = asked()
    begun = bench.service.begin(request)

    stream = await bench.service.stream(OWNER, request, begun)
    events = [event for batch in [batch async for batch in stream] for event in batch]
    await stream.aclose()

    first, last = events[0], events[-1]
    assert isinstance(first, Began)
    assert first.response == replace(begun, input=(user("Hi", "msg_2"),))
    assert isinstance(last, Ended)
    assert await bench.store.get(OWNER, begun.id) == last.response
    assert bench.llm.streams[0].closed.is_set()


async def test_a_response_that_cannot_be_kept_fails() -> None:
    bench = Bench(Room(limit_bytes=10))

    with pytest.raises(StoreError):
        await bench.complete(asked())


async def test_a_stream_that_is_left_early_is_not_kept() -> None:
    bench = Bench()
    request = asked()
    begun = bench.service.begin(request)

    stream = await bench.service.stream(OWNER, request, begun)
    await anext(stream)
    await stream.aclose()

    assert bench.llm.streams[0].closed.is_set()
    with pytest.raises(NotFoundError):
        await bench.store.get(OWNER, begun.id)


async def test_a_conversation_goes_before_and_grows() -> None:
    bench = Bench()
    await bench.store.put_conversation(OWNER, Conversation("conv_1", 7))
    await bench.store.append_items(OWNER, "conv_1", [user("First", "msg_0")])

    made = await bench.complete(asked(conversation_id="conv_1", store=False))

    assert [message.text for message in bench.llm.requests[0].messages] == ["First", "Hi"]
    items = await bench.store.list_items(OWNER, "conv_1")
    assert items == [user("First", "msg_0"), *made.input, *made.output]


async def test_a_conversation_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFoundError, match="Conversation with id 'conv_1' not found"):
        await Bench().complete(asked(conversation_id="conv_1"))


async def test_nothing_to_answer_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await Bench().complete(asked(input=()))

    assert (caught.value.param, caught.value.code) == ("input", "empty_array")


async def test_instructions_alone_are_nothing_to_answer() -> None:
    system = (Message(Role.SYSTEM, "Be brief."),)

    with pytest.raises(InvalidRequestError):
        await Bench().complete(asked(input=(), chat=ChatRequest("llama3", system)))


async def test_a_named_item_keeps_its_id_in_the_new_input() -> None:
    bench = Bench()
    first = await bench.complete(asked())
    said = first.output[0]

    second = await bench.complete(asked(input=(ItemReference(said.id), user("More"))))

    assert second.input[0] == said


async def test_what_is_not_finished_cannot_be_gone_on_from() -> None:
    bench = Bench()
    await bench.store.put(OWNER, bench.service.begin(asked()))

    with pytest.raises(InvalidRequestError, match="is not finished"):
        await bench.complete(asked(previous_id="resp_1"))


async def chain(bench: Bench, *texts: str) -> str | None:
    """Keep responses that follow each other; return the last one's id."""
    previous: str | None = None
    for number, text in enumerate(texts):
        kept = StoredResponse(
            f"r_{number}", 7, "llama3", ResponseStatus.COMPLETED, input=(user(text, "m"),)
        )
        await bench.store.put(OWNER, replace(kept, previous_id=previous))
        previous = kept.id
    return previous


async def test_a_long_history_is_read_in_its_order() -> None:
    bench = Bench()
    last = await chain(bench, *map(str, range(history.MOST_RESPONSES)))

    await bench.complete(asked("end", previous_id=last))

    said = [message.text for message in bench.llm.requests[0].messages]
    assert said == [*map(str, range(history.MOST_RESPONSES)), "end"]


async def test_a_history_of_too_many_responses_is_refused() -> None:
    bench = Bench()
    last = await chain(bench, *map(str, range(history.MOST_RESPONSES + 1)))

    with pytest.raises(InvalidRequestError, match="more than 100 responses") as caught:
        await bench.complete(asked(previous_id=last))

    assert caught.value.code == "context_length_exceeded"


async def test_a_history_of_too_much_text_is_refused() -> None:
    bench = Bench()
    half = "x" * (history.MOST_CHARACTERS // 2)
    last = await chain(bench, half, half, "x")

    with pytest.raises(InvalidRequestError, match="more than 33554432 characters") as caught:
        await bench.complete(asked(previous_id=last))

    assert caught.value.param == "previous_response_id"


async def test_a_conversation_of_too_much_text_is_refused() -> None:
    bench = Bench()
    await bench.store.put_conversation(OWNER, Conversation("conv_1", 7))
    half = "x" * (history.MOST_CHARACTERS // 2)
    for place, text in enumerate((half, half, "x")):
        item = MessageItem(f"msg_{place}", Role.USER, (TextPart(text),))
        await bench.store.append_items(OWNER, "conv_1", [item])

    with pytest.raises(InvalidRequestError) as caught:
        await bench.complete(asked(conversation_id="conv_1"))

    assert caught.value.code == "context_length_exceeded"
