"""Any interleaving of calls, by two owners, over every store, does what one simple model does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from domain.conversation import Conversation, ResponseStatus, StoredResponse
from domain.errors import NotFoundError
from domain.items import AnswerText, Item, MessageItem, item_id
from domain.messages import Role
from tests.support.store_machine import EVERY_STORE, StoreMachine, run
from tests.support.store_model import StoreModel
from tests.support.stores import Bounds, Grounds, Opener

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    import pytest

# Few of everything, so that calls meet; ends lie far from the steps in which time passes, so
# that a server's own time does not matter.
BOUNDS = Bounds(entries=4, ttl_s=1000)
STEP_S = 300
# The last two tell that they are of a response.
OWN_IDS = [item_id(response_id, "msg_", "000000000000") for response_id in ("resp_1", "resp_2")]
ITEM_IDS = ["msg_1", "msg_2", "msg_3", *OWN_IDS]

owners = st.sampled_from(["owner", "owner:"])
response_ids = st.sampled_from(["resp_1", "resp_2", ":resp_1"])
conversation_ids = st.sampled_from(["conv_1", "conv_2"])
item_ids = st.sampled_from(ITEM_IDS)
statuses = st.sampled_from(
    [ResponseStatus.IN_PROGRESS, ResponseStatus.QUEUED, ResponseStatus.COMPLETED]
)
said = st.sampled_from([(AnswerText(text),) for text in ("", "a", "b", "1:é")])
items = st.lists(
    st.builds(MessageItem, item_ids, st.just(Role.ASSISTANT), said),
    max_size=3,
    unique_by=lambda item: item.id,
)
records = st.lists(st.sampled_from([b"", b"zero", b"\x00\n"]), max_size=3)
keys = st.sampled_from(["key", "key:"])


def response(
    response_id: str, status: ResponseStatus, given: Sequence[Item], cut: int
) -> StoredResponse:
    parts = tuple(given)
    return StoredResponse(
        response_id, 1, "llama3", status, b"{}", input=parts[:cut], output=parts[cut:]
    )


responses = st.builds(response, response_ids, statuses, items, st.integers(0, 3))


class Machine(StoreMachine):
    """A store and its model, asked the same."""

    def __init__(self, opener: Opener, grounds: Grounds) -> None:
        super().__init__(opener, grounds, BOUNDS)
        self._model = StoreModel(BOUNDS)

    def _same(self, name: str, *arguments: Any) -> None:
        call: Callable[..., Coroutine[Any, Any, Any]] = getattr(self._opened.store, name)
        expected = outcome(lambda: getattr(self._model, name)(*arguments))
        assert outcome(lambda: self._runner.run(call(*arguments))) == expected

    @rule(owner=owners, given=responses)
    def put(self, owner: str, given: StoredResponse) -> None:
        self._same("put", owner, given)

    @rule(owner=owners, given=responses, more=records)
    def advance(self, owner: str, given: StoredResponse, more: list[bytes]) -> None:
        self._same("advance", owner, given, more)

    @rule(owner=owners, id_=response_ids, more=records)
    def append_records(self, owner: str, id_: str, more: list[bytes]) -> None:
        self._same("append_records", owner, id_, more)

    @rule(owner=owners, id_=response_ids, start=st.integers(0, 3))
    def read(self, owner: str, id_: str, start: int) -> None:
        self._same("get", owner, id_)
        self._same("read_records", owner, id_, start)

    @rule(owner=owners, id_=response_ids)
    def delete(self, owner: str, id_: str) -> None:
        self._same("delete", owner, id_)

    @rule(owner=owners, id_=conversation_ids, topic=st.sampled_from("ab"))
    def put_conversation(self, owner: str, id_: str, topic: str) -> None:
        self._same("put_conversation", owner, Conversation(id_, 1, {"topic": topic}))

    @rule(owner=owners, id_=conversation_ids)
    def delete_conversation(self, owner: str, id_: str) -> None:
        call = self._opened.store.delete_conversation(owner, id_)
        expected = outcome(lambda: self._model.delete(owner, id_))
        assert outcome(lambda: self._runner.run(call)) == expected

    @rule(owner=owners, id_=conversation_ids, given=items)
    def append_items(self, owner: str, id_: str, given: list[Item]) -> None:
        self._same("append_items", owner, id_, given)

    @rule(owner=owners, id_=conversation_ids, item_id=item_ids)
    def delete_item(self, owner: str, id_: str, item_id: str) -> None:
        self._same("delete_item", owner, id_, item_id)

    @rule(owner=owners, id_=conversation_ids)
    def read_conversation(self, owner: str, id_: str) -> None:
        self._same("get_conversation", owner, id_)
        self._same("list_items", owner, id_)

    @rule(owner=owners, key=keys, value=st.sampled_from(["x", "y"]), ttl_s=st.sampled_from([500]))
    def claim(self, owner: str, key: str, value: str, ttl_s: int) -> None:
        self._same("claim", owner, key, value, ttl_s)

    @rule(owner=owners, key=keys)
    def release(self, owner: str, key: str) -> None:
        self._same("release", owner, key)

    @rule()
    def pass_time(self) -> None:
        self._model.pass_time(STEP_S)
        self._runner.run(self._opened.pass_time(STEP_S))

    @invariant()
    def finds_the_same_items(self) -> None:
        for owner in ("owner", "owner:"):
            self._same("find_items", owner, ITEM_IDS)


def outcome(call: Callable[[], object]) -> object:
    try:
        return call()
    except NotFoundError:
        return NotFoundError


@EVERY_STORE
def test_every_interleaving_does_what_the_model_does(
    opener: Opener, grounds: Grounds, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(Machine, opener, grounds, tmp_path_factory)
