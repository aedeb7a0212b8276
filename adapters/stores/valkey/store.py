"""A store on a Valkey server, for several processes and machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.stores import codec
from adapters.stores.errors import full, missing
from adapters.stores.room import ON_SERVER
from adapters.stores.valkey import parts, scripts
from adapters.stores.valkey.puts import Puts
from adapters.stores.valkey.server import Server
from domain.conversation import ResponseStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from adapters.stores.room import Room
    from adapters.stores.valkey.server import Word
    from domain.conversation import Conversation, StoredResponse
    from domain.items import Item

_RESPONSE = "Response"
_CONVERSATION = "Conversation"
_ITEM = "Item"
_CLAIM = "claim"


class ValkeyStore:
    """Responses and conversations as hashes; they last as long as the server keeps them.

    Time is the server's. Where a connection breaks before the answer came, a call fails and may
    have been done all the same.
    """

    def __init__(self, url: str, room: Room | None = None) -> None:
        self._server = Server(url)
        self._room = room or ON_SERVER
        self._bounds = (self._room.ttl_s, self._room.entries, self._room.limit_bytes)
        self._puts = Puts(self._put)

    async def aclose(self) -> None:
        """Close the connections; a second time does nothing."""
        await self._server.aclose()

    async def put(self, owner: str, response: StoredResponse) -> None:
        size, words = self._response(owner, response)
        await self._puts.put(_key(_RESPONSE, owner, response.id), words, size)

    async def advance(
        self, owner: str, response: StoredResponse, records: Sequence[bytes] = ()
    ) -> StoredResponse:
        _, words = self._response(owner, response)
        stands = await self._run(scripts.ADVANCE, _RESPONSE, owner, response.id, *words, *records)
        if stands is None:
            raise missing(_RESPONSE, response.id)
        return codec.decode_response(stands) if stands else response

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        return codec.decode_response(await self._data(_RESPONSE, owner, response_id))

    async def delete(self, owner: str, response_id: str) -> None:
        await self._delete(_RESPONSE, owner, response_id)

    async def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        found, bodies = await self._run(scripts.FIND, _ITEM, owner, "", _places(owner), *item_ids)
        responses = {entry: codec.decode_response(data) for entry, data in bodies}
        items: dict[str, Item] = {}
        for raw_id, entry, data in found:
            item_id = raw_id.decode()
            items[item_id] = _item(data) if data else _item_of(responses[entry], item_id)
        return items

    async def append_records(
        self, owner: str, response_id: str, records: Sequence[bytes]
    ) -> ResponseStatus:
        status = await self._run(scripts.APPEND_RECORDS, _RESPONSE, owner, response_id, *records)
        if status is None:
            raise missing(_RESPONSE, response_id)
        return ResponseStatus(status.decode())

    async def read_records(
        self, owner: str, response_id: str, start: int = 0
    ) -> tuple[ResponseStatus, Sequence[bytes]]:
        read = await self._run(scripts.READ_RECORDS, _RESPONSE, owner, response_id, start)
        if read is None:
            raise missing(_RESPONSE, response_id)
        return ResponseStatus(read[0].decode()), read[1]

    async def put_conversation(self, owner: str, conversation: Conversation) -> None:
        data = codec.encode_conversation(conversation)
        written = (_places(owner), data, parts.ENTRY_BYTES + len(data))
        await self._run(scripts.PUT_CONVERSATION, _CONVERSATION, owner, conversation.id, *written)

    async def get_conversation(self, owner: str, conversation_id: str) -> Conversation:
        return codec.decode_conversation(await self._data(_CONVERSATION, owner, conversation_id))

    async def delete_conversation(self, owner: str, conversation_id: str) -> None:
        await self._delete(_CONVERSATION, owner, conversation_id)

    async def append_items(self, owner: str, conversation_id: str, items: Sequence[Item]) -> None:
        added = {item.id: codec.encode_item(item) for item in items}
        pairs = [word for pair in added.items() for word in pair]
        if not await self._run(scripts.APPEND_ITEMS, _CONVERSATION, owner, conversation_id, *pairs):
            raise missing(_CONVERSATION, conversation_id)

    async def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        key = _key(_CONVERSATION, owner, conversation_id)
        fields = dict[bytes, bytes](await self._server.ask("HGETALL", key))
        if not fields:
            raise missing(_CONVERSATION, conversation_id)
        items = [data for field, data in fields.items() if field.startswith(b"i:")]
        return [_item(data) for data in sorted(items, key=_place)]

    async def delete_item(self, owner: str, conversation_id: str, item_id: str) -> None:
        found = await self._run(scripts.DELETE_ITEM, _CONVERSATION, owner, conversation_id, item_id)
        if found < 0:
            raise missing(_CONVERSATION, conversation_id)
        if not found:
            raise missing(_ITEM, item_id)

    async def claim(self, owner: str, key: str, value: str, ttl_s: int) -> str:
        stands: bytes = await self._run(scripts.CLAIM, _CLAIM, owner, key, value, ttl_s)
        return stands.decode()

    async def release(self, owner: str, key: str) -> None:
        await self._server.ask("DEL", _key(_CLAIM, owner, key))

    async def _run(self, script: str, kind: str, owner: str, id_: str, *values: Word) -> Any:  # noqa: ANN401 - each script its own
        return await self._server.run(script, [_key(kind, owner, id_)], *self._bounds, *values)

    async def _put(self, keys: Sequence[str], words: Sequence[Word]) -> None:
        await self._server.run(scripts.PUT, keys, *self._bounds, *words)

    async def _data(self, kind: str, owner: str, id_: str) -> bytes:
        data: bytes | None = await self._server.ask("HGET", _key(kind, owner, id_), "data")
        if data is None:
            raise missing(kind, id_)
        return data

    async def _delete(self, kind: str, owner: str, id_: str) -> None:
        if not await self._run(scripts.DELETE, kind, owner, id_):
            raise missing(kind, id_)

    def _response(self, owner: str, response: StoredResponse) -> tuple[int, list[Word]]:
        """Return about how many bytes a response takes, and what is said of it."""
        data = codec.encode_response(response)
        ids = dict.fromkeys(item.id for item in (*response.input, *response.output))
        base = parts.ENTRY_BYTES + len(data) + parts.ROW_BYTES * len(ids)
        if base > self._room.limit_bytes:
            raise full()
        final = int(response.status.final)
        return base, [_places(owner), response.status.value, final, data, base, len(ids), *ids]


def _key(kind: str, owner: str, id_: str) -> str:
    # With the owner's length, so that no other owner and id together read the same.
    return f"{parts.TAG}{kind}:{len(owner)}:{owner}:{id_}"


def _places(owner: str) -> str:
    return _key(_ITEM, owner, "")


def _place(data: bytes) -> int:
    return int(data.partition(b":")[0])


def _item(data: bytes) -> Item:
    return codec.decode_item(data.partition(b":")[2])


def _item_of(response: StoredResponse, item_id: str) -> Item:
    return next(i for i in (*response.output, *response.input) if i.id == item_id)
