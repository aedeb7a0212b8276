"""A store in one SQLite file; several processes may share it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, TypeVar

from adapters.stores import codec
from adapters.stores.room import ON_DISK
from adapters.stores.sqlite import claims
from adapters.stores.sqlite.database import Database
from adapters.stores.sqlite.finding import find_items
from adapters.stores.sqlite.rows import CONVERSATION, RESPONSE, Entry, New, Rows, base_bytes
from domain.conversation import ResponseStatus
from domain.items import response_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from adapters.stores.room import Room
    from adapters.stores.sqlite.rows import Key
    from application.ports.system import ClockPort
    from domain.conversation import Conversation, StoredResponse
    from domain.items import Item

T = TypeVar("T")


class SQLiteStore:
    """Responses and conversations as rows; what it acknowledged survives a power cut.

    Where another process writes, a call waits up to ``wait_s`` seconds for it.
    """

    def __init__(
        self, path: Path, clock: ClockPort, room: Room | None = None, *, wait_s: float = 5
    ) -> None:
        self._database = Database(path, wait_s)
        self._clock = clock
        self._room = room or ON_DISK

    async def aclose(self) -> None:
        """Close the file; a second time does nothing."""
        await self._database.aclose()

    async def put(self, owner: str, response: StoredResponse) -> None:
        await self._database.write_with_others(self._put, _new(owner, response))

    async def advance(
        self, owner: str, response: StoredResponse, records: Sequence[bytes] = ()
    ) -> StoredResponse:
        key = (owner, RESPONSE, response.id)

        def work(rows: Rows) -> StoredResponse:
            kept = rows.entry(key)
            if kept.status.final:
                return codec.decode_response(rows.body(key))
            rows.drop_index(key)
            rows.index(key, new.item_ids)
            more = kept.more + rows.add_records(key, records)
            rows.replace(key, new.body, new.entry._replace(more=more))
            return response

        new = _new(owner, response)
        return await self._write(work)

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        key = (owner, RESPONSE, response_id)
        return await self._read(lambda rows: codec.decode_response(_body(rows, key)))

    async def delete(self, owner: str, response_id: str) -> None:
        await self._delete((owner, RESPONSE, response_id))

    async def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        return await self._read(lambda rows: find_items(rows, owner, item_ids))

    async def append_records(
        self, owner: str, response_id: str, records: Sequence[bytes]
    ) -> ResponseStatus:
        key = (owner, RESPONSE, response_id)

        def work(rows: Rows) -> ResponseStatus:
            kept = rows.entry(key)
            if not kept.status.final:
                grown = rows.add_records(key, records)
                rows.touch(key, kept._replace(more=kept.more + grown))
            return kept.status

        return await self._write(work)

    async def read_records(
        self, owner: str, response_id: str, start: int = 0
    ) -> tuple[ResponseStatus, Sequence[bytes]]:
        key = (owner, RESPONSE, response_id)
        query = (
            "SELECT data FROM record WHERE owner = ? AND kind = ? AND id = ? AND number >= ?"
            " ORDER BY number"
        )

        def work(rows: Rows) -> tuple[ResponseStatus, Sequence[bytes]]:
            status = rows.entry(key).status
            return status, [data for (data,) in rows.connection.execute(query, (*key, start))]

        return await self._read(work)

    async def put_conversation(self, owner: str, conversation: Conversation) -> None:
        key = (owner, CONVERSATION, conversation.id)
        body = codec.encode_conversation(conversation)
        entry = Entry(ResponseStatus.COMPLETED, base_bytes(body))

        def work(rows: Rows) -> None:
            rows.expire(key)
            kept = rows.find(key)
            if kept is None:
                rows.add([New(key, body, entry)])
            else:
                rows.replace(key, body, entry._replace(more=kept.more))

        await self._write(work)

    async def get_conversation(self, owner: str, conversation_id: str) -> Conversation:
        key = (owner, CONVERSATION, conversation_id)
        return await self._read(lambda rows: codec.decode_conversation(_body(rows, key)))

    async def delete_conversation(self, owner: str, conversation_id: str) -> None:
        await self._delete((owner, CONVERSATION, conversation_id))

    async def append_items(self, owner: str, conversation_id: str, items: Sequence[Item]) -> None:
        key = (owner, CONVERSATION, conversation_id)
        added = {item.id: codec.encode_item(item) for item in items}

        def work(rows: Rows) -> None:
            kept = rows.entry(key)
            rows.touch(key, kept._replace(more=kept.more + rows.add_items(key, added)))

        await self._write(work)

    async def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        key = (owner, CONVERSATION, conversation_id)
        query = "SELECT data FROM item WHERE owner = ? AND kind = ? AND id = ? ORDER BY place"

        def work(rows: Rows) -> list[Item]:
            rows.entry(key)
            return [codec.decode_item(data) for (data,) in rows.connection.execute(query, key)]

        return await self._read(work)

    async def delete_item(self, owner: str, conversation_id: str, item_id: str) -> None:
        key = (owner, CONVERSATION, conversation_id)

        def work(rows: Rows) -> None:
            kept = rows.entry(key)
            rows.touch(key, kept._replace(more=kept.more - rows.drop_item(key, item_id)))

        await self._write(work)

    async def claim(self, owner: str, key: str, value: str, ttl_s: int) -> str:
        return await self._write(lambda rows: claims.claim(rows, owner, key, value, ttl_s))

    async def release(self, owner: str, key: str) -> None:
        await self._write(lambda rows: claims.release(rows, owner, key))

    def _put(self, connection: sqlite3.Connection, new: Sequence[New]) -> Sequence[None]:
        rows = Rows(connection, self._clock.unix_time(), self._room)
        try:
            rows.add(new)
        except sqlite3.IntegrityError:
            for each in new:
                rows.forget(each.key)
                rows.add([each])
        rows.sweep(len(new))
        return [None] * len(new)

    async def _delete(self, key: Key) -> None:
        def work(rows: Rows) -> None:
            rows.entry(key)
            rows.forget(key)

        await self._write(work)

    async def _read(self, work: Callable[[Rows], T]) -> T:
        def whole(connection: sqlite3.Connection) -> T:
            return work(Rows(connection, now, self._room))

        now = self._clock.unix_time()
        return await self._database.read(whole)

    async def _write(self, work: Callable[[Rows], T]) -> T:
        def whole(connection: sqlite3.Connection) -> T:
            rows = Rows(connection, now, self._room)
            result = work(rows)
            rows.sweep()
            return result

        now = self._clock.unix_time()
        return await self._database.write(whole)


def _body(rows: Rows, key: Key) -> bytes:
    rows.entry(key)
    return rows.body(key)


def _new(owner: str, response: StoredResponse) -> New:
    body = codec.encode_response(response)
    # The others are found by the response's own id.
    items = (*response.input, *response.output)
    ids = {item.id for item in items if response_of(item.id) != response.id}
    entry = Entry(response.status, base_bytes(body, len(ids)))
    return New((owner, RESPONSE, response.id), body, entry, ids)
