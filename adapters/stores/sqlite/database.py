"""One SQLite file: one thread that owns one connection."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import operator
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from adapters.stores.errors import failed
from adapters.stores.lull import TOGETHER, Lull
from adapters.stores.sqlite.failures import concerns_one, is_locked, spoils, store_error
from adapters.stores.sqlite.file import identity, open_file
from adapters.stores.sqlite.transaction import one_of_many, reading, writing

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
V = TypeVar("V")

# What does the work of several calls at once: their values in, their results out.
Work: TypeAlias = Callable[[sqlite3.Connection, Sequence[V]], Sequence[T]]

# Pages of 4 kB that one look gives back to the disk, and commits between two looks.
_SHRINK_PAGES = 256
_SHRINK_EVERY = 64


@dataclass(eq=False, slots=True)
class _Job:
    """A call that waits, and what became of it."""

    work: Work[Any, Any]
    value: object
    writes: bool
    told: asyncio.Future[Any]
    result: object = None
    error: Exception | None = None

    def fail(self, error: Exception) -> None:
        """Let ``error`` be what became of it."""
        self.error = error
        if isinstance(error, sqlite3.Error | OSError):
            self.error = store_error(error)
            self.error.__cause__ = error

    def tell(self) -> None:
        """Wake the caller, where it still waits."""
        if self.told.done():
            return
        if self.error is None:
            self.told.set_result(self.result)
        else:
            self.told.set_exception(self.error)


class Database:
    """Runs calls one after the other on a thread of its own; those that wait share a commit.

    The file is opened by the first one; where that fails, the next one tries again. Each waits
    up to ``wait_s`` seconds for other processes.
    """

    def __init__(self, path: Path, wait_s: float) -> None:
        self._path = path
        self._wait_s = wait_s
        self._thread = ThreadPoolExecutor(1, "response-store")
        self._waiting: deque[_Job] = deque()
        # Those that wait together share one commit: waiting for the disk is most of what it costs.
        self._lull = Lull(self._waiting, self._hand_over)
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._commits = 0
        self._closed = False

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` reads as of one moment.

        Raises:
            StoreError: the file fails.
        """
        return await self._run(_alone(work), None, writes=False)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``work`` returns once what it wrote is on the disk; all of it or nothing.

        ``work`` may be done again from the start.

        Raises:
            StoreError: the file fails.
        """
        return await self._run(_alone(work), None, writes=True)

    async def write_with_others(self, work: Work[V, T], value: V) -> T:
        """As ``write``; calls with the same ``work`` that wait one after the other are one.

        ``work`` is given the values of all of them and returns their results. Where it fails it
        is done again for each value alone.
        """
        return await self._run(work, value, writes=True)

    async def aclose(self) -> None:
        """Close the file, once what is under way is done; a second time does nothing."""
        if not self._closed:
            self._closed = True
            loop = asyncio.get_running_loop()
            self._hand_over(loop)
            await loop.run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown(wait=False)

    async def _run(self, work: Work[V, T], value: V, *, writes: bool) -> T:
        if self._closed:
            what = "is closed; the service is stopping"
            raise failed(what)
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Job(work, value, writes, told))
        self._lull.stir(loop)
        return await told

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(0, len(self._waiting), TOGETHER):
            self._thread.submit(self._drain, loop)

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), TOGETHER))]
        jobs = [job for job in jobs if not job.told.cancelled()]
        if jobs:
            self._do(jobs)
            # A loop that is gone has nobody who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, jobs)

    def _do(self, jobs: Sequence[_Job]) -> None:
        try:
            self._transact(jobs)
        except Exception as error:  # noqa: BLE001 - whoever called is told
            if spoils(error):
                self._disconnect()
            if len(jobs) == 1:
                jobs[0].fail(error)
                return
            # What one cannot have, others may: reading goes on where a disk is full. For a file
            # that is locked all have waited by now.
            for job in jobs:
                if job.writes and is_locked(error):
                    job.fail(error)
                else:
                    self._do([job])

    def _transact(self, jobs: Sequence[_Job]) -> None:
        # What is written to a file that was deleted meanwhile is lost.
        if self._connection is not None and identity(self._path) != self._opened:
            self._disconnect()
        if self._connection is None:
            self._connection = open_file(self._path, self._wait_s)
            self._opened = identity(self._path)
        begun = writing if any(job.writes for job in jobs) else reading
        with begun(self._connection):
            for _, alike in itertools.groupby(jobs, operator.attrgetter("work")):
                _do_together(self._connection, list(alike))
        self._shrink(self._connection)

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
                # As a script: it frees one page a step, and `execute` takes the first step only.
                connection.executescript(f"PRAGMA incremental_vacuum({_SHRINK_PAGES:d})")


def _alone(work: Callable[[sqlite3.Connection], T]) -> Work[None, T]:
    return lambda connection, _: [work(connection)]


def _do_together(connection: sqlite3.Connection, jobs: Sequence[_Job]) -> None:
    """Do jobs of the same work in the transaction that there is; each wholly or not at all.

    Raises:
        sqlite3.Error: the transaction is not worth going on with.
    """
    first = jobs[0]
    try:
        with one_of_many(connection) if first.writes else contextlib.nullcontext():
            results = first.work(connection, [job.value for job in jobs])
    except Exception as error:
        if isinstance(error, sqlite3.Error) and not concerns_one(error):
            raise
        if len(jobs) == 1:
            first.fail(error)
            return
        for job in jobs:
            _do_together(connection, [job])
    else:
        for job, result in zip(jobs, results, strict=True):
            job.result, job.error = result, None


def _tell(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.tell()
