"""Any interleaving of create, continue, retrieve, delete and cancel does what one model says.

The model knows what clients know: the ids that they were given, and what they did with them. It
runs over every store; background responses are held until a rule lets them go on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, multiple, rule

from domain.context import to_messages
from domain.conversation import ResponseStatus
from domain.errors import InvalidRequestError, NotFoundError, ServiceError
from tests.support.fake_system import CountingIds
from tests.support.responses_bench import PlainRecorder, Process, asked
from tests.support.store_machine import EVERY_STORE, StoreMachine, run
from tests.support.stores import Bounds, Grounds, Opener

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    import pytest

    from domain.conversation import ResponseRequest, StoredResponse
    from domain.items import Item

T = TypeVar("T")

ANSWER = "Hello"
NOTHING = cast("object", multiple())
owners = st.sampled_from(["one", "two"])
texts = st.sampled_from(["a", "b"])


@dataclass
class Told:
    """A response as its owner knows it; ``gate`` holds one that is under way."""

    owner: str
    text: str
    previous: str | None
    status: ResponseStatus = ResponseStatus.COMPLETED
    background: bool = False
    gate: asyncio.Event | None = None

    @property
    def said(self) -> list[str]:
        return [self.text, ANSWER] if self.status is ResponseStatus.COMPLETED else [self.text]


class Model:
    """What there is, by id."""

    def __init__(self) -> None:
        self.told: dict[str, Told] = {}

    def find(self, owner: str, response_id: str) -> Told | None:
        told = self.told.get(response_id)
        return told if told is not None and told.owner == owner else None

    def context(self, owner: str, last: str | None) -> list[str] | None:
        """Return all that was said up to a response; None where that cannot be gone on from."""
        if last is None:
            return []
        told = self.find(owner, last)
        if told is None or told.gate is not None:
            return None
        before = self.context(owner, told.previous)
        return None if before is None else [*before, *told.said]


class Machine(StoreMachine):
    """The service and its model, asked the same."""

    ids = Bundle("ids")

    def __init__(self, opener: Opener, grounds: Grounds) -> None:
        super().__init__(opener, grounds, Bounds())
        opened = self._opened
        self._process = Process(opened.store, clock=opened.clock, ids=CountingIds())
        self._model = Model()

    def teardown(self) -> None:
        self._runner.run(self._process.background.aclose())
        super().teardown()

    @rule(target=ids, owner=owners, text=texts)
    def create(self, owner: str, text: str) -> str:
        return self._create(owner, text, None)

    @rule(target=ids, owner=owners, text=texts, previous=ids)
    def go_on(self, owner: str, text: str, previous: str) -> object:
        if self._model.context(owner, previous) is None:
            made = self._complete(owner, asked(text, previous_id=previous))
            assert isinstance(made, InvalidRequestError)
            return NOTHING
        return self._create(owner, text, previous)

    @rule(target=ids, owner=owners, text=texts, previous=st.none() | ids)
    def create_in_background(self, owner: str, text: str, previous: str | None) -> object:
        request = asked(text, previous_id=previous, background=True)
        gate = asyncio.Event()
        taken = self._run(self._hold(owner, request, gate))
        if self._model.context(owner, previous) is None:
            assert isinstance(taken, InvalidRequestError)
            return NOTHING
        assert not isinstance(taken, ServiceError)
        status = ResponseStatus.IN_PROGRESS
        self._model.told[taken.id] = Told(owner, text, previous, status, True, gate)  # noqa: FBT003
        return taken.id

    @rule(response_id=ids)
    def let_go_on(self, response_id: str) -> None:
        told = self._model.told.get(response_id)
        if told is not None and told.gate is not None:
            told.gate.set()
            self._runner.run(self._end(told.owner, response_id))
            told.gate, told.status = None, ResponseStatus.COMPLETED

    @rule(owner=owners, response_id=ids)
    def retrieve(self, owner: str, response_id: str) -> None:
        found = self._run(self._process.background.get(owner, response_id))
        self._compare(found, self._model.find(owner, response_id))

    @rule(owner=owners, response_id=ids)
    def list_input(self, owner: str, response_id: str) -> None:
        found = self._run(self._process.background.input_items(owner, response_id))
        told = self._model.find(owner, response_id)
        if told is None:
            assert isinstance(found, NotFoundError)
        else:
            assert not isinstance(found, ServiceError)
            before = self._model.context(owner, told.previous) or []
            assert words(found) == [*before, told.text]

    @rule(owner=owners, response_id=ids)
    def delete(self, owner: str, response_id: str) -> None:
        gone = self._run(self._process.background.delete(owner, response_id))
        if self._model.find(owner, response_id) is None:
            assert isinstance(gone, NotFoundError)
        else:
            assert gone is None
            del self._model.told[response_id]

    @rule(owner=owners, response_id=ids)
    def cancel(self, owner: str, response_id: str) -> None:
        cancelled = self._run(self._process.background.cancel(owner, response_id))
        told = self._model.find(owner, response_id)
        if told is not None and not told.background:
            assert isinstance(cancelled, InvalidRequestError)
            return
        if told is not None and told.gate is not None:
            told.gate, told.status = None, ResponseStatus.CANCELLED
        self._compare(cancelled, told)

    @rule()
    def restart(self) -> None:
        self._runner.run(self._process.background.aclose())
        self._process = self._process.sibling()
        for told in self._model.told.values():
            if told.gate is not None:
                told.gate, told.status = None, ResponseStatus.FAILED

    @invariant()
    def what_ended_is_closed(self) -> None:
        held = sum(told.gate is not None for told in self._model.told.values())
        streams = self._process.llm.streams
        assert sum(not stream.closed.is_set() for stream in streams) == held

    def _create(self, owner: str, text: str, previous: str | None) -> str:
        context = self._model.context(owner, previous)
        made = self._complete(owner, asked(text, previous_id=previous))
        assert not isinstance(made, ServiceError)
        assert context is not None
        request = self._process.llm.requests[-1]
        assert [message.text for message in request.messages] == [*context, text]
        self._model.told[made.id] = Told(owner, text, previous)
        return made.id

    def _complete(self, owner: str, request: ResponseRequest) -> StoredResponse | ServiceError:
        service = self._process.responses
        return self._run(service.complete(owner, request, service.begin(request)))

    async def _hold(
        self, owner: str, request: ResponseRequest, gate: asyncio.Event
    ) -> StoredResponse:
        """Take a request into the background, and return once its answer is held."""
        process = self._process
        process.llm.gate = gate
        begun = process.responses.begin(request)
        try:
            taken = await process.background.start(owner, request, begun, PlainRecorder())
            async for records, _ in await process.background.follow(owner, taken.id):
                if b"Began" in records:
                    break
        finally:
            process.llm.gate = None
        return taken

    async def _end(self, owner: str, response_id: str) -> None:
        async for _ in await self._process.background.follow(owner, response_id):
            pass

    def _run(self, call: Coroutine[object, object, T]) -> T | ServiceError:
        try:
            return self._runner.run(call)
        except ServiceError as error:
            return error

    def _compare(self, found: StoredResponse | ServiceError, told: Told | None) -> None:
        if told is None:
            assert isinstance(found, NotFoundError)
            return
        assert not isinstance(found, ServiceError)
        assert (found.status, found.previous_id) == (told.status, told.previous)
        assert words([*found.input, *found.output]) == told.said


def words(items: Sequence[Item]) -> list[str]:
    return [message.text for message in to_messages(items)]


@EVERY_STORE
def test_every_interleaving_does_what_the_model_does(
    opener: Opener, grounds: Grounds, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(Machine, opener, grounds, tmp_path_factory)
