"""One SQLite file: one thread that owns one connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from adapters.stores.errors import failed
from adapters.stores.sqlite.failures import spoils, store_error
from adapters.stores.sqlite.schema import check, migrate
from adapters.stores.sqlite.transaction import reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    Begin: TypeAlias = Callable[[sqlite3.Connection], AbstractContextManager[None]]

T = TypeVar("T")

# The largest value in one row, bound parameters included: requests are not larger.
LARGEST_BYTES = 64 * 1024 * 1024

_BUSY_TIMEOUT_S = 5
_TRIES = 20
_STARTING = "is a file that other processes are opening all the time"
_WAL_BYTES = 16 * 1024 * 1024
# Pages of 4 kB that one look gives back to the disk, and commits between two looks.
_SHRINK_PAGES = 256
_SHRINK_EVERY = 64


class Database:
    """Runs transactions, one after the other, on a thread of its own.

    The file is opened by the first one; where that fails, the next one tries again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, "response-store")
        self._connection: sqlite3.Connection | None = None
        self._commits = 0
        self._closed = False

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` reads as of one moment.

        Raises:
            StoreError: the file fails.
        """
        return await self._run(reading, work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns once what it wrote is on the disk; all of it or nothing.

        Raises:
            StoreError: the file fails.
        """
        return await self._run(writing, work)

    async def aclose(self) -> None:
        """Close the file, once what is under way is done; a second time does nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    async def _run(self, begin: Begin, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            what = "is closed; the service is stopping"
            raise failed(what)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._transact, begin, work)

    def _transact(self, begin: Begin, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connected()
            with begin(connection):
                result = work(connection)
        except (sqlite3.Error, OSError) as error:
            if spoils(error):
                self._disconnect()
            raise store_error(error) from error
        self._shrink(connection)
        return result

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = _open(self._path)
            try:
                _prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Give a part of the free pages back to the disk, where they are many."""
        self._commits += 1
        if self._commits % _SHRINK_EVERY:
            return
        # Nobody waits for this: what was to be written is.
        with contextlib.suppress(sqlite3.Error):
            free = connection.execute("PRAGMA freelist_count").fetchone()[0]
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            if free > max(_SHRINK_PAGES, pages // 4):
                # It frees a page for each row that is fetched.
                connection.execute(f"PRAGMA incremental_vacuum({_SHRINK_PAGES:d})").fetchall()


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite would let everyone read it; its side files take its mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    return sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_BYTES)
    # First, so that nothing is changed in a file that is not ours.
    with reading(connection):
        check(connection)
    # Counts in an empty file only, and before anything else is written.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _log_ahead(connection)
    # With less, a power cut may take the last commits.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES:d}")
    connection.execute("PRAGMA foreign_keys = ON")
    # Triggers and views of a file that someone else made run nothing of ours.
    connection.execute("PRAGMA trusted_schema = OFF")
    migrate(connection)


def _log_ahead(connection: sqlite3.Connection) -> None:
    for _ in range(_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # SQLite does not wait here for another process that does the same to a new file.
            # Here it does.
            with writing(connection):
                pass
        else:
            return
    raise failed(_STARTING)
