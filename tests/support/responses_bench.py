"""The use cases of responses over fakes, on a store that several processes may share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.schema import RustSchemas
from adapters.stores.memory import MemoryStore
from application.answers import Answers
from application.background import BackgroundService
from application.lease import BEAT_S, Lease
from application.responses import ResponsesService
from application.runs import MOST_RUNS, Runs
from application.streaming import Limits
from application.timed import TimedLLM
from domain.chat import ChatRequest
from domain.conversation import Failure, ResponseRequest, StoredResponse
from domain.items import MessageItem
from domain.messages import Role, TextPart
from tests.support.answering import FakeImages
from tests.support.fake_llm import FakeLLM
from tests.support.fake_system import CountingIds, FixedClock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.store import ResponseStorePort
    from application.response_events import ResponseEvent

OWNER = "owner"


class PlainRecorder:
    """Records that are the names of the events' classes."""

    def feed(self, batch: Sequence[ResponseEvent]) -> Sequence[bytes]:
        """Return a record of each event."""
        return [type(event).__name__.encode() for event in batch]

    def failure(self, error: Exception) -> Failure:
        """Return the error's own words."""
        return Failure("server_error", str(error))


class Process:
    """One process of the service."""

    def __init__(
        self,
        store: ResponseStorePort | None = None,
        *,
        clock: FixedClock | None = None,
        ids: CountingIds | None = None,
        most: int = MOST_RUNS,
        beat_s: float = BEAT_S,
        look_s: float = 0,
    ) -> None:
        self.llm = FakeLLM()
        self.clock = clock or FixedClock()
        self.ids = ids or CountingIds()
        self.store = store or MemoryStore(self.clock)
        timed = TimedLLM(self.llm, Limits())
        self.answers = Answers(timed, self.ids, RustSchemas(), FakeImages())
        self.responses = ResponsesService(self.answers, self.ids, self.clock, self.store)
        self.background = BackgroundService(
            self.responses,
            self.answers,
            self.ids,
            self.clock,
            self.store,
            Runs(Lease(self.store, self.ids, beat_s), most, look_s),
        )

    def sibling(self) -> Process:
        """Return another process on the same store."""
        return Process(self.store, clock=self.clock, ids=self.ids)

    async def complete(self, request: ResponseRequest) -> StoredResponse:
        """Answer a request whole."""
        begun = self.responses.begin(request)
        return await self.responses.complete(OWNER, request, begun)

    async def start(self, request: ResponseRequest) -> StoredResponse:
        """Take a request into the background."""
        begun = self.responses.begin(request)
        return await self.background.start(OWNER, request, begun, PlainRecorder())

    async def end_of(self, response_id: str) -> StoredResponse:
        """Follow a response to its end, and return it."""
        async for _, final in await self.background.follow(OWNER, response_id):
            if final is not None:
                return final
        message = "it has no end"
        raise RuntimeError(message)


def user(text: str, id_: str = "") -> MessageItem:
    """Return a message of a user."""
    return MessageItem(id_, Role.USER, (TextPart(text),))


def asked(text: str = "Hi", **more: object) -> ResponseRequest:
    """Return a request of one message."""
    request = ResponseRequest(ChatRequest("llama3", ()), (user(text),))
    return replace(request, **more)  # type: ignore[arg-type]  # each test names what it changes
