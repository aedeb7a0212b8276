"""The rows of one transaction; runs on the database's thread."""

from __future__ import annotations

import functools
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from adapters.stores.errors import full, missing
from adapters.stores.room import Room
from domain.conversation import ResponseStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

# An owner, a kind and an id.
Key: TypeAlias = tuple[str, str, str]

RESPONSE = "Response"
CONVERSATION = "Conversation"

# About what an entry and a row that hangs on it take beyond their data, index entries included.
_ENTRY_BYTES = 512
_ROW_BYTES = 160
# Entries that one write forgets at most for each that it adds, so that none is held up for long.
_SWEEP = 32


class Entry(NamedTuple):
    """What is known of a response or a conversation beside its body."""

    status: ResponseStatus
    base: int
    more: int = 0


class New(NamedTuple):
    """An entry that comes, and the items by whose ids it is found, too."""

    key: Key
    body: bytes
    entry: Entry
    item_ids: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows as they are at ``now``; what is over its time is not there."""

    connection: sqlite3.Connection
    now: int
    room: Room

    @property
    def deadline(self) -> int:
        """What was written then, or before, is over its time."""
        return self.now - self.room.ttl_s

    def entry(self, key: Key) -> Entry:
        """Return an entry.

        Raises:
            NotFoundError: there is none.
        """
        entry = self.find(key)
        if entry is None:
            raise missing(key[1], key[2])
        return entry

    def find(self, key: Key) -> Entry | None:
        """Return an entry, or None where there is none."""
        query = (
            "SELECT status, base, more FROM entry"
            " WHERE owner = ? AND kind = ? AND id = ? AND written > ?"
        )
        row = self.connection.execute(query, (*key, self.deadline)).fetchone()
        return None if row is None else Entry(ResponseStatus(row[0]), row[1], row[2])

    def body(self, key: Key) -> bytes:
        """Return the body of an entry that there is."""
        query = (
            "SELECT data FROM body"
            " WHERE number = (SELECT number FROM entry WHERE owner = ? AND kind = ? AND id = ?)"
        )
        data: bytes = self.connection.execute(query, key).fetchone()[0]
        return data

    def forget(self, key: Key) -> None:
        """Delete an entry, where there is one, and all that hangs on it."""
        self.connection.execute("DELETE FROM entry WHERE owner = ? AND kind = ? AND id = ?", key)

    def add(self, new: Sequence[New]) -> None:
        """Write entries that are not there, in one step for all.

        Raises:
            StoreError: one of them is larger than all there is room for.
            sqlite3.IntegrityError: one of them is there.
        """
        query = "SELECT coalesce(max(turn), 0) + 1 FROM entry"
        first: int = self.connection.execute(query).fetchone()[0]
        entries: list[object] = []
        bodies: list[object] = []
        for turn, (key, body, entry, _) in enumerate(new, first):
            self._check(entry)
            entries += (*key, entry.status.value, self.now, entry.base, entry.more, turn, turn)
            bodies += (turn, body)
        columns = "entry (owner, kind, id, status, written, base, more, turn, number)"
        self.connection.execute(_insert(columns, 9, len(new)), entries)
        self.connection.execute(_insert("body (number, data)", 2, len(new)), bodies)
        for key, _, _, item_ids in new:
            if item_ids:
                self.index(key, item_ids)

    def replace(self, key: Key, body: bytes, entry: Entry) -> None:
        """Write an entry that is there, and its body, as the latest one.

        Raises:
            StoreError: it is larger than all there is room for.
        """
        self.touch(key, entry)
        update = (
            "UPDATE body SET data = ?"
            " WHERE number = (SELECT number FROM entry WHERE owner = ? AND kind = ? AND id = ?)"
        )
        self.connection.execute(update, (body, *key))

    def touch(self, key: Key, entry: Entry) -> None:
        """Write an entry that is there as the latest one; its body stays.

        Raises:
            StoreError: it is larger than all there is room for.
        """
        self._check(entry)
        update = (
            "UPDATE entry SET status = ?, written = ?, base = ?, more = ?,"
            " turn = (SELECT max(turn) + 1 FROM entry) WHERE owner = ? AND kind = ? AND id = ?"
        )
        values = (entry.status.value, self.now, entry.base, entry.more, *key)
        self.connection.execute(update, values)

    def index(self, key: Key, item_ids: Iterable[str]) -> None:
        """Let the items of a response be found by these ids, too."""
        insert = "INSERT INTO item (owner, kind, id, item_id, place) VALUES (?, ?, ?, ?, 0)"
        self.connection.executemany(insert, [(*key, item_id) for item_id in item_ids])

    def drop_index(self, key: Key) -> None:
        """Let no item of a response be found any more."""
        delete = "DELETE FROM item WHERE owner = ? AND kind = ? AND id = ?"
        self.connection.execute(delete, key)

    def add_records(self, key: Key, records: Sequence[bytes]) -> int:
        """Add records; return how many bytes they take."""
        query = (
            "SELECT coalesce(max(number) + 1, 0) FROM record"
            " WHERE owner = ? AND kind = ? AND id = ?"
        )
        first: int = self.connection.execute(query, key).fetchone()[0]
        insert = "INSERT INTO record (owner, kind, id, number, data) VALUES (?, ?, ?, ?, ?)"
        rows = [(*key, number, data) for number, data in enumerate(records, first)]
        self.connection.executemany(insert, rows)
        return sum(map(_row_bytes, records))

    def add_items(self, key: Key, items: Mapping[str, bytes]) -> int:
        """Add items to a conversation; return how many bytes it grows by."""
        query = (
            "SELECT coalesce(max(place) + 1, 0) FROM item WHERE owner = ? AND kind = ? AND id = ?"
        )
        first: int = self.connection.execute(query, key).fetchone()[0]
        grown = 0
        upsert = (
            "INSERT INTO item (owner, kind, id, item_id, place, data) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (owner, kind, id, item_id) DO UPDATE SET data = excluded.data"
        )
        for place, (item_id, data) in enumerate(items.items(), first):
            grown += _row_bytes(data) - self._item_bytes(key, item_id)
            self.connection.execute(upsert, (*key, item_id, place, data))
        return grown

    def drop_item(self, key: Key, item_id: str) -> int:
        """Delete an item of a conversation; return how many bytes it took.

        Raises:
            NotFoundError: it is not in the conversation.
        """
        freed = self._item_bytes(key, item_id)
        if not freed:
            kind = "Item"
            raise missing(kind, item_id)
        delete = "DELETE FROM item WHERE owner = ? AND kind = ? AND id = ? AND item_id = ?"
        self.connection.execute(delete, (*key, item_id))
        return freed

    def expire(self, key: Key) -> None:
        """Delete an entry that is over its time."""
        delete = "DELETE FROM entry WHERE owner = ? AND kind = ? AND id = ? AND written <= ?"
        self.connection.execute(delete, (*key, self.deadline))

    def sweep(self, added: int = 0) -> None:
        """Forget what is over its time or has no room, oldest first, and not too much at once."""
        query = (
            "SELECT entries, bytes, written, owner, kind, id FROM room JOIN entry"
            " WHERE turn = (SELECT min(turn) FROM entry)"
        )
        for _ in range(_SWEEP * max(added, 1)):
            oldest = self.connection.execute(query).fetchone()
            if oldest is None:
                return
            entries, size, written, *key = oldest
            crowded = entries > self.room.entries or size > self.room.limit_bytes
            if not crowded and written > self.deadline:
                return
            self.forget((key[0], key[1], key[2]))

    def _check(self, entry: Entry) -> None:
        if entry.base + entry.more > self.room.limit_bytes:
            raise full()

    def _item_bytes(self, key: Key, item_id: str) -> int:
        query = (
            "SELECT length(data) FROM item WHERE owner = ? AND kind = ? AND id = ? AND item_id = ?"
        )
        row = self.connection.execute(query, (*key, item_id)).fetchone()
        return 0 if row is None else row[0] + _ROW_BYTES


@functools.cache
def _insert(columns: str, width: int, rows: int) -> str:
    row = f"({', '.join('?' * width)})"
    return f"INSERT INTO {columns} VALUES {', '.join([row] * rows)}"  # noqa: S608 - words of ours


def base_bytes(body: bytes, items: int = 0) -> int:
    """Return how many bytes an entry takes with the places of so many items."""
    return _ENTRY_BYTES + len(body) + _ROW_BYTES * items


def _row_bytes(data: bytes) -> int:
    return len(data) + _ROW_BYTES
