"""Opening the file, which may not be there yet."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

from adapters.stores.sqlite.schema import check, migrate
from adapters.stores.sqlite.transaction import reading, writing

if TYPE_CHECKING:
    from pathlib import Path

# The largest value in one row: requests are not larger.
_LARGEST_BYTES = 64 * 1024 * 1024
_LOG_BYTES = 16 * 1024 * 1024
_TRIES = 20
# Those that add so many rows at once are so many statements.
_STATEMENTS = 256


def open_file(path: Path, wait_s: float) -> sqlite3.Connection:
    """Return a connection to the store at ``path``, in the newest form; it is made if missing.

    Raises:
        OSError: it cannot be made or opened.
        sqlite3.Error: it fails.
        StoreError: it is no store of ours, or one of a version to come.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite would let everyone read it; its side files take its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(
        path, timeout=wait_s, isolation_level=None, cached_statements=_STATEMENTS
    )
    try:
        _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def identity(path: Path) -> tuple[int, int] | None:
    """Return which file is at ``path``: not the one of before where that was deleted."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_BYTES)
    # First, so that nothing is changed in a file that is not ours.
    with reading(connection):
        check(connection)
    # The first counts in an empty file only, and before anything else is written.
    for setting in ("PRAGMA auto_vacuum = INCREMENTAL", "PRAGMA journal_mode = WAL"):
        _patiently(connection, setting)
    # With less, a power cut may take the last commits.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES:d}")
    # Triggers and views of a file that someone else made run nothing of ours.
    connection.execute("PRAGMA trusted_schema = OFF")
    migrate(connection)


def _patiently(connection: sqlite3.Connection, setting: str) -> None:
    for left in reversed(range(_TRIES)):
        try:
            connection.execute(setting)
        except sqlite3.OperationalError:
            if not left:
                raise
            # SQLite does not wait here for another process that does the same to a new file.
            # Here it does.
            with writing(connection):
                pass
        else:
            return
