"""A store in this process's memory, bounded; it forgets everything when the process ends."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from adapters.stores import codec
from adapters.stores.errors import full, missing
from adapters.stores.room import IN_MEMORY
from domain.conversation import ResponseStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adapters.stores.room import Room
    from application.ports.system import ClockPort
    from domain.conversation import Conversation, StoredResponse
    from domain.items import Item

# A kind, an owner and an id; an item's place has no kind.
_Key: TypeAlias = tuple[str, str, str]
_RESPONSE = "Response"
_CONVERSATION = "Conversation"


@dataclass(slots=True)
class _Entry:
    """A response or a conversation with what hangs on it."""

    data: bytes
    status: ResponseStatus
    written: int = 0
    records: list[bytes] = field(default_factory=list[bytes])
    items: dict[str, bytes] = field(default_factory=dict[str, bytes])
    item_ids: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        return len(self.data) + sum(map(len, self.records)) + sum(map(len, self.items.values()))


class MemoryStore:
    """Responses and conversations as bytes; those written longest ago go first."""

    def __init__(self, clock: ClockPort, room: Room | None = None) -> None:
        self._clock = clock
        self._room = room or IN_MEMORY
        # In the order of their last writes; so are the places of an item. To find the first key of
        # a plain dictionary takes the longer, the more were taken away before it.
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._sizes: dict[_Key, int] = {}
        self._bytes = 0
        self._places: dict[tuple[str, str], dict[_Key, None]] = {}
        self._claims: dict[tuple[str, str], tuple[int, str]] = {}

    async def aclose(self) -> None:
        """Do nothing: what is here goes with the process."""

    async def put(self, owner: str, response: StoredResponse) -> None:
        self._write((_RESPONSE, owner, response.id), _entry(response))

    async def advance(
        self, owner: str, response: StoredResponse, records: Sequence[bytes] = ()
    ) -> StoredResponse:
        key = (_RESPONSE, owner, response.id)
        kept = self._find(key)
        if kept.status.final:
            return codec.decode_response(kept.data)
        entry = _entry(response)
        entry.records = [*kept.records, *records]
        self._write(key, entry)
        return response

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        return codec.decode_response(self._find((_RESPONSE, owner, response_id)).data)

    async def delete(self, owner: str, response_id: str) -> None:
        self._find((_RESPONSE, owner, response_id))
        self._forget((_RESPONSE, owner, response_id))

    async def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        self._expire()
        found: dict[str, Item] = {}
        for item_id in item_ids:
            for key in reversed(self._places.get((owner, item_id), {})):
                found[item_id] = self._item(self._entries[key], item_id)
                break
        return found

    async def append_records(
        self, owner: str, response_id: str, records: Sequence[bytes]
    ) -> ResponseStatus:
        key = (_RESPONSE, owner, response_id)
        kept = self._find(key)
        if not kept.status.final:
            # In place: copying what is there would make long streams quadratic.
            more = sum(map(len, records))
            self._check(self._sizes[key] + more)
            kept.records += records
            self._write(key, kept, self._sizes[key] + more)
        return kept.status

    async def read_records(
        self, owner: str, response_id: str, start: int = 0
    ) -> tuple[ResponseStatus, Sequence[bytes]]:
        kept = self._find((_RESPONSE, owner, response_id))
        return kept.status, kept.records[start:]

    async def put_conversation(self, owner: str, conversation: Conversation) -> None:
        key = (_CONVERSATION, owner, conversation.id)
        self._expire()
        kept = self._entries.get(key)
        data = codec.encode_conversation(conversation)
        items = {} if kept is None else kept.items
        entry = _Entry(data, ResponseStatus.COMPLETED, items=items, item_ids=tuple(items))
        self._write(key, entry)

    async def get_conversation(self, owner: str, conversation_id: str) -> Conversation:
        kept = self._find((_CONVERSATION, owner, conversation_id))
        return codec.decode_conversation(kept.data)

    async def delete_conversation(self, owner: str, conversation_id: str) -> None:
        self._find((_CONVERSATION, owner, conversation_id))
        self._forget((_CONVERSATION, owner, conversation_id))

    async def append_items(self, owner: str, conversation_id: str, items: Sequence[Item]) -> None:
        key = (_CONVERSATION, owner, conversation_id)
        kept = self._find(key)
        added = {item.id: codec.encode_item(item) for item in items}
        together = kept.items | added
        self._write(key, replace(kept, items=together, item_ids=tuple(together)))

    async def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        kept = self._find((_CONVERSATION, owner, conversation_id))
        return [codec.decode_item(data) for data in kept.items.values()]

    async def delete_item(self, owner: str, conversation_id: str, item_id: str) -> None:
        key = (_CONVERSATION, owner, conversation_id)
        kept = self._find(key)
        if item_id not in kept.items:
            kind = "Item"
            raise missing(kind, item_id)
        left = {other: data for other, data in kept.items.items() if other != item_id}
        self._write(key, replace(kept, items=left, item_ids=tuple(left)))

    async def claim(self, owner: str, key: str, value: str, ttl_s: int) -> str:
        now = self._clock.unix_time()
        self._claims = {k: claim for k, claim in self._claims.items() if claim[0] > now}
        return self._claims.setdefault((owner, key), (now + ttl_s, value))[1]

    async def release(self, owner: str, key: str) -> None:
        self._claims.pop((owner, key), None)

    def _find(self, key: _Key) -> _Entry:
        self._expire()
        entry = self._entries.get(key)
        if entry is None:
            raise missing(key[0], key[2])
        return entry

    def _item(self, entry: _Entry, item_id: str) -> Item:
        if item_id in entry.items:
            return codec.decode_item(entry.items[item_id])
        response = codec.decode_response(entry.data)
        return next(i for i in (*response.output, *response.input) if i.id == item_id)

    def _check(self, size: int) -> None:
        if size > self._room.limit_bytes:
            raise full()

    def _write(self, key: _Key, entry: _Entry, size: int | None = None) -> None:
        size = entry.size if size is None else size
        self._check(size)
        self._expire()
        if key in self._entries:
            self._forget(key)
        entry.written = self._clock.unix_time()
        self._entries[key] = entry
        self._sizes[key] = size
        self._bytes += size
        for item_id in entry.item_ids:
            self._places.setdefault((key[1], item_id), {})[key] = None
        while len(self._entries) > self._room.entries or self._bytes > self._room.limit_bytes:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: _Key) -> None:
        entry = self._entries.pop(key)
        self._bytes -= self._sizes.pop(key)
        for item_id in entry.item_ids:
            places = self._places[key[1], item_id]
            places.pop(key, None)
            if not places:
                del self._places[key[1], item_id]

    def _expire(self) -> None:
        deadline = self._clock.unix_time() - self._room.ttl_s
        while self._entries:
            key = next(iter(self._entries))
            if self._entries[key].written > deadline:
                return
            self._forget(key)


def _entry(response: StoredResponse) -> _Entry:
    ids = dict.fromkeys(item.id for item in (*response.input, *response.output))
    return _Entry(codec.encode_response(response), response.status, item_ids=tuple(ids))
