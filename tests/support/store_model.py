"""What a store must do, in plain dictionaries; a test compares the real ones with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.conversation import Conversation, StoredResponse
from domain.errors import NotFoundError
from domain.items import Item

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from domain.conversation import ResponseStatus
    from tests.support.stores import Bounds


@dataclass
class Kept:
    """A response with its records, or a conversation with its items."""

    value: StoredResponse | Conversation
    written: int
    records: list[bytes] = field(default_factory=list[bytes])
    items: dict[str, Item] = field(default_factory=dict[str, Item])


class StoreModel:
    """The methods of ``ResponseStorePort``, without waiting."""

    def __init__(self, bounds: Bounds) -> None:
        self.now = 0
        self._bounds = bounds
        # In the order of their last writes.
        self._kept: dict[tuple[str, str], Kept] = {}
        self._claims: dict[tuple[str, str], tuple[int, str]] = {}

    def pass_time(self, seconds: int) -> None:
        self.now += seconds
        limit = self.now - self._bounds.ttl_s
        self._kept = {key: kept for key, kept in self._kept.items() if kept.written > limit}
        self._claims = {key: claim for key, claim in self._claims.items() if claim[0] > self.now}

    def put(self, owner: str, response: StoredResponse) -> None:
        items = {item.id: item for item in (*response.input, *response.output)}
        self._write(owner, response.id, Kept(response, 0, items=items))

    def advance(
        self, owner: str, response: StoredResponse, records: Sequence[bytes]
    ) -> StoredResponse:
        kept, stands = self._response(owner, response.id)
        if stands.status.final:
            return stands
        self.put(owner, response)
        self._kept[owner, response.id].records = [*kept.records, *records]
        return response

    def get(self, owner: str, response_id: str) -> StoredResponse:
        return self._response(owner, response_id)[1]

    def delete(self, owner: str, entry_id: str) -> None:
        self._find(owner, entry_id)
        del self._kept[owner, entry_id]

    def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        entries = [kept for (whose, _), kept in self._kept.items() if whose == owner]
        items = {id_: item for kept in entries for id_, item in kept.items.items()}
        return {id_: items[id_] for id_ in item_ids if id_ in items}

    def append_records(
        self, owner: str, response_id: str, records: Sequence[bytes]
    ) -> ResponseStatus:
        kept, stands = self._response(owner, response_id)
        if not stands.status.final:
            kept.records += records
            self._write(owner, response_id, kept)
        return stands.status

    def read_records(
        self, owner: str, response_id: str, start: int
    ) -> tuple[ResponseStatus, Sequence[bytes]]:
        kept, stands = self._response(owner, response_id)
        return stands.status, kept.records[start:]

    def put_conversation(self, owner: str, conversation: Conversation) -> None:
        kept = self._kept.get((owner, conversation.id))
        items = {} if kept is None else kept.items
        self._write(owner, conversation.id, Kept(conversation, 0, items=items))

    def get_conversation(self, owner: str, conversation_id: str) -> object:
        return self._find(owner, conversation_id).value

    def append_items(self, owner: str, conversation_id: str, items: Sequence[Item]) -> None:
        kept = self._find(owner, conversation_id)
        kept.items.update({item.id: item for item in items})
        self._write(owner, conversation_id, kept)

    def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        return list(self._find(owner, conversation_id).items.values())

    def delete_item(self, owner: str, conversation_id: str, item_id: str) -> None:
        kept = self._find(owner, conversation_id)
        if item_id not in kept.items:
            raise NotFoundError(item_id)
        del kept.items[item_id]
        self._write(owner, conversation_id, kept)

    def claim(self, owner: str, key: str, value: str, ttl_s: int) -> str:
        return self._claims.setdefault((owner, key), (self.now + ttl_s, value))[1]

    def release(self, owner: str, key: str) -> None:
        self._claims.pop((owner, key), None)

    def _find(self, owner: str, entry_id: str) -> Kept:
        if (owner, entry_id) not in self._kept:
            raise NotFoundError(entry_id)
        return self._kept[owner, entry_id]

    def _response(self, owner: str, response_id: str) -> tuple[Kept, StoredResponse]:
        kept = self._find(owner, response_id)
        assert isinstance(kept.value, StoredResponse)
        return kept, kept.value

    def _write(self, owner: str, entry_id: str, kept: Kept) -> None:
        kept.written = self.now
        self._kept.pop((owner, entry_id), None)
        self._kept[owner, entry_id] = kept
        while len(self._kept) > self._bounds.entries:
            del self._kept[next(iter(self._kept))]
