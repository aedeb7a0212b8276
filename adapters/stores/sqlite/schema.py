"""The tables, and the way to them from every version that was ever written."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from adapters.stores.errors import foreign, newer
from adapters.stores.sqlite.transaction import reading, writing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

# An entry is a response or a conversation; what hangs on one goes with it, by a trigger: foreign
# keys would look the entry up at each write. Its owner stands in every key. Only `room`, which
# counts all there is, has no owner.
_VERSION_1 = (
    # `turn` orders the entries by their last writes. `base` and `more` are its bytes: its own
    # and its items' places, and those of its records or of a conversation's items.
    """CREATE TABLE entry (
        owner TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        status TEXT NOT NULL,
        written INTEGER NOT NULL,
        turn INTEGER NOT NULL,
        base INTEGER NOT NULL,
        more INTEGER NOT NULL,
        PRIMARY KEY (owner, kind, id)
    ) WITHOUT ROWID""",
    "CREATE UNIQUE INDEX entry_by_turn ON entry (turn)",
    # Apart from its entry, so that a record more does not write the whole response again.
    """CREATE TABLE body (
        owner TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (owner, kind, id)
    )""",
    """CREATE TABLE record (
        owner TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        number INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (owner, kind, id, number)
    ) WITHOUT ROWID""",
    # `data` is NULL where the item is part of a response's body.
    """CREATE TABLE item (
        owner TEXT NOT NULL,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        item_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        data BLOB,
        PRIMARY KEY (owner, kind, id, item_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX item_by_id ON item (owner, item_id)",
    """CREATE TABLE claim (
        owner TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        expires INTEGER NOT NULL,
        PRIMARY KEY (owner, key)
    ) WITHOUT ROWID""",
    "CREATE INDEX claim_by_end ON claim (expires)",
    """CREATE TABLE room (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        entries INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    )""",
    "INSERT INTO room VALUES (1, 0, 0)",
    """CREATE TRIGGER entry_came AFTER INSERT ON entry BEGIN
        UPDATE room SET entries = entries + 1, bytes = bytes + new.base + new.more;
    END""",
    """CREATE TRIGGER entry_changed AFTER UPDATE OF base, more ON entry BEGIN
        UPDATE room SET bytes = bytes + new.base + new.more - old.base - old.more;
    END""",
    """CREATE TRIGGER entry_went AFTER DELETE ON entry BEGIN
        DELETE FROM body WHERE owner = old.owner AND kind = old.kind AND id = old.id;
        DELETE FROM record WHERE owner = old.owner AND kind = old.kind AND id = old.id;
        DELETE FROM item WHERE owner = old.owner AND kind = old.kind AND id = old.id;
        UPDATE room SET entries = entries - 1, bytes = bytes - old.base - old.more;
    END""",
)

# Bodies by a number, so that new ones stand one after the other on few pages: the turn in which
# an entry came. The items of a response are in `item` only where their ids do not tell theirs.
_VERSION_2 = (
    "CREATE TABLE numbered (number INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    """INSERT INTO numbered SELECT entry.turn, body.data
        FROM body JOIN entry USING (owner, kind, id) ORDER BY entry.turn""",
    "DROP TRIGGER entry_went",
    "DROP TABLE body",
    "ALTER TABLE numbered RENAME TO body",
    "ALTER TABLE entry ADD COLUMN number INTEGER NOT NULL DEFAULT 0",
    "UPDATE entry SET number = turn",
    """CREATE TRIGGER entry_went AFTER DELETE ON entry BEGIN
        DELETE FROM body WHERE number = old.number;
        DELETE FROM record WHERE owner = old.owner AND kind = old.kind AND id = old.id;
        DELETE FROM item WHERE owner = old.owner AND kind = old.kind AND id = old.id;
        UPDATE room SET entries = entries - 1, bytes = bytes - old.base - old.more;
    END""",
)

# The statements that lead from each version to the next. What was released stays as it is.
MIGRATIONS: Sequence[Sequence[str]] = (_VERSION_1, _VERSION_2)


def check(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> int:
    """Return the version of a file, 0 for an empty one; in a transaction.

    Raises:
        StoreError: a later version than this one wrote it, or another program.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise newer()
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise foreign()
    return version


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Bring a file to the newest version, whole or not at all; an empty one too.

    Raises:
        StoreError: as ``check``.
    """
    with reading(connection):
        version = check(connection, migrations)
    if version == len(migrations):
        return
    with writing(connection):
        # Again, as the one who writes: another process may have been at it.
        version = check(connection, migrations)
        for statement in itertools.chain.from_iterable(migrations[version:]):
            connection.execute(statement)
        # A PRAGMA takes no parameters; this is a number of ours.
        connection.execute(f"PRAGMA user_version = {len(migrations):d}")
