"""SQLite's failures to the error that every store raises."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from adapters.stores.errors import failed, full

if TYPE_CHECKING:
    from domain.errors import StoreError

_UNWRITABLE = "cannot be opened and written; the log says why"
_PROBLEMS = {
    sqlite3.SQLITE_BUSY: "is a file that another program has locked for too long",
    sqlite3.SQLITE_LOCKED: "is a file that another program has locked for too long",
    sqlite3.SQLITE_FULL: "is on a disk that is full",
    sqlite3.SQLITE_IOERR: "is on a disk that fails; the log says how",
    sqlite3.SQLITE_CORRUPT: "is a damaged file; put a backup or nothing in its place",
    sqlite3.SQLITE_NOTADB: "is no database file, or a damaged one; name another",
    sqlite3.SQLITE_CANTOPEN: _UNWRITABLE,
    sqlite3.SQLITE_READONLY: _UNWRITABLE,
    sqlite3.SQLITE_PERM: _UNWRITABLE,
}
# After these the connection is as good as before; after all others a new one may do better.
_HARMLESS = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_TOOBIG}
)


def store_error(error: Exception) -> StoreError:
    """Return what to raise for ``error``."""
    if isinstance(error, OSError):
        return failed(_UNWRITABLE)
    code = _code(error)
    if code == sqlite3.SQLITE_TOOBIG:
        return full()
    return failed(_PROBLEMS.get(code, "failed; the log says why"))


def concerns_one(error: sqlite3.Error) -> bool:
    """Return whether ``error`` is about one value alone, and others can still be written."""
    return _code(error) == sqlite3.SQLITE_TOOBIG


def is_locked(error: Exception) -> bool:
    """Return whether another program held the file for longer than one waits."""
    return _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def spoils(error: Exception) -> bool:
    """Return whether a connection is to be opened anew after ``error``."""
    return _code(error) not in _HARMLESS


def _code(error: Exception) -> int:
    # What Python's module raises by itself has no code; an extended one has more bits.
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF
