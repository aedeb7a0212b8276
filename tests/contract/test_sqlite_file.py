"""The file of SQLiteStore: its form, and what befalls files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.stores.errors import newer
from adapters.stores.sqlite.schema import MIGRATIONS, migrate
from adapters.stores.sqlite.store import SQLiteStore
from adapters.stores.sqlite.transaction import one_of_many
from domain.errors import NotFoundError, StoreError
from tests.support.fake_system import FixedClock
from tests.support.store_writer import OWNER, response
from tests.unit.test_codec import RESPONSE, VERSION_1

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Sequence

_NOBODY = 65_534
ROW = (OWNER, "Response", "resp_1")
TABLES = ("entry", "body", "record", "item")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "responses.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SQLiteStore]:
    store = SQLiteStore(path, FixedClock())
    yield store
    await store.aclose()


@contextlib.contextmanager
def raw(path: Path) -> Generator[sqlite3.Connection]:
    """Open the file as another program would."""
    path.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def write_version_1(connection: sqlite3.Connection) -> None:
    entry = "INSERT INTO entry VALUES (?, ?, ?, 'completed', 1700000000, 7, 500, 100)"
    connection.execute(entry, ROW)
    connection.execute("INSERT INTO body VALUES (?, ?, ?, ?)", (*ROW, VERSION_1))
    write_rest(connection)


def write_version_2(connection: sqlite3.Connection) -> None:
    entry = "INSERT INTO entry VALUES (?, ?, ?, 'completed', 1700000000, 9, 500, 100, 7)"
    connection.execute(entry, ROW)
    connection.execute("INSERT INTO body VALUES (7, ?)", (VERSION_1,))
    write_rest(connection)


def write_rest(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO record VALUES (?, ?, ?, 0, ?)", (*ROW, b"zero"))
    item = "INSERT INTO item VALUES (?, ?, ?, ?, 0, NULL)"
    connection.execute(item, (*ROW, RESPONSE.input[0].id))


WRITERS = {1: write_version_1, 2: write_version_2}


def rows(connection: sqlite3.Connection, table: str) -> int:
    count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - a word of ours
    return count


def content(path: Path) -> bytes:
    return path.read_bytes()


def overwrite(path: Path, data: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


async def test_nothing_is_opened_before_the_first_use(path: Path, store: SQLiteStore) -> None:
    await store.aclose()

    assert not path.parent.exists()


async def test_what_is_kept_outlives_the_store(path: Path, store: SQLiteStore) -> None:
    await store.put(OWNER, response("resp_1"))
    await store.aclose()

    again = SQLiteStore(path, FixedClock())

    assert await again.get(OWNER, "resp_1") == response("resp_1")
    await again.aclose()


@pytest.mark.parametrize("ends", [("",), ("", "-wal", "-shm")], ids=["alone", "with all beside"])
async def test_a_file_that_is_deleted_is_made_anew(
    path: Path, store: SQLiteStore, ends: Sequence[str]
) -> None:
    other = SQLiteStore(path, FixedClock())
    for one in (store, other):
        await one.put(OWNER, response("resp_1"))
    for end in ends:
        path.with_name(path.name + end).unlink()

    await store.put(OWNER, response("resp_2"))

    assert await other.get(OWNER, "resp_2") == response("resp_2")
    with pytest.raises(NotFoundError):
        await store.get(OWNER, "resp_1")
    await other.aclose()
    await store.aclose()
    with raw(path) as connection:
        assert rows(connection, "entry") == 1
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_folder_that_is_deleted_is_made_anew(path: Path, store: SQLiteStore) -> None:
    await store.put(OWNER, response("resp_1"))
    shutil.rmtree(path.parent)

    await store.put(OWNER, response("resp_2"))

    await store.aclose()
    with raw(path) as connection:
        assert rows(connection, "entry") == 1


async def test_a_closed_store_says_so(store: SQLiteStore) -> None:
    await store.put(OWNER, response("resp_1"))
    await store.aclose()
    await store.aclose()

    with pytest.raises(StoreError, match="stopping"):
        await store.get(OWNER, "resp_1")


async def test_only_its_owner_reads_the_file(path: Path, store: SQLiteStore) -> None:
    await store.put(OWNER, response("resp_1"))

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes == {path.name + end: 0o600 for end in ("", "-wal", "-shm")}


async def test_commits_survive_a_power_cut(path: Path, store: SQLiteStore) -> None:
    await store.put(OWNER, response("resp_1"))

    with raw(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
async def test_a_file_of_any_version_is_read(path: Path, store: SQLiteStore, version: int) -> None:
    with raw(path) as connection:
        migrate(connection, MIGRATIONS[:version])
        WRITERS[version](connection)

    item = RESPONSE.input[0]
    assert await store.get(OWNER, "resp_1") == RESPONSE
    assert await store.find_items(OWNER, [item.id]) == {item.id: item}
    assert await store.read_records(OWNER, "resp_1") == (RESPONSE.status, [b"zero"])
    await store.put(OWNER, response("resp_1"))
    assert await store.get(OWNER, "resp_1") == response("resp_1")
    await store.delete(OWNER, "resp_1")
    with raw(path) as connection:
        assert {table: rows(connection, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
        assert connection.execute("SELECT entries, bytes FROM room").fetchone() == (0, 0)


def test_a_migration_happens_whole_or_not_at_all(path: Path) -> None:
    with raw(path) as connection:
        migrate(connection, [["CREATE TABLE a (b)"]])
        with pytest.raises(sqlite3.OperationalError, match="syntax"):
            migrate(connection, [["-"], ["CREATE TABLE c (d)", "nonsense"]])

        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
        assert tables == [("a",)]
        migrate(connection, [["-"], ["CREATE TABLE c (d)"]])
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_part_survives_that_everything_was_rolled_back(path: Path) -> None:
    def part(connection: sqlite3.Connection) -> None:
        with one_of_many(connection):
            connection.execute("ROLLBACK")
            raise sqlite3.OperationalError

    with raw(path) as connection:
        connection.execute("BEGIN")
        with pytest.raises(sqlite3.OperationalError):
            part(connection)

        assert not connection.in_transaction


async def test_a_newer_file_is_left_alone(path: Path, store: SQLiteStore) -> None:
    with raw(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = content(path)

    with pytest.raises(StoreError, match="newer version") as caught:
        await store.put(OWNER, response("resp_1"))

    assert (caught.value.message, caught.value.code) == (newer().message, "store_unreadable")
    assert content(path) == before


async def test_the_file_of_another_program_is_left_alone(path: Path, store: SQLiteStore) -> None:
    with raw(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    before = content(path)

    with pytest.raises(StoreError, match="another program"):
        await store.put(OWNER, response("resp_1"))

    assert content(path) == before


async def test_a_value_of_a_version_to_come_is_no_use_but_can_be_deleted(
    path: Path, store: SQLiteStore
) -> None:
    await store.put(OWNER, response("resp_1"))
    with raw(path) as connection:
        connection.execute("UPDATE body SET data = x'7f00'")

    with pytest.raises(StoreError, match="cannot read"):
        await store.get(OWNER, "resp_1")

    await store.delete(OWNER, "resp_1")
    with pytest.raises(NotFoundError):
        await store.get(OWNER, "resp_1")


async def test_a_file_that_is_no_database_is_named_as_such(path: Path, store: SQLiteStore) -> None:
    overwrite(path, b"Dear diary, " * 1000)

    with pytest.raises(StoreError, match="no database file") as caught:
        await store.get(OWNER, "resp_1")

    assert caught.value.code == "store_unavailable"
    overwrite(path, b"")
    await store.put(OWNER, response("resp_1"))
    assert await store.get(OWNER, "resp_1") == response("resp_1")


async def test_a_damaged_file_is_named_as_such(path: Path, store: SQLiteStore) -> None:
    for number in range(20):
        await store.put(OWNER, response(f"resp_{number}"))
    await store.aclose()
    whole = content(path)
    # All pages but the first, which says what the file is.
    overwrite(path, whole[:4096] + b"\x55" * (len(whole) - 4096))
    again = SQLiteStore(path, FixedClock())

    with pytest.raises(StoreError, match="damaged file"):
        await again.get(OWNER, "resp_1")

    overwrite(path, whole)
    assert await again.get(OWNER, "resp_1") == response("resp_1")
    await again.aclose()


async def test_a_folder_that_cannot_be_made_is_named_as_such(
    path: Path, store: SQLiteStore
) -> None:
    path.parent.write_text("a file")

    with pytest.raises(StoreError, match="cannot be opened and written"):
        await store.put(OWNER, response("resp_1"))

    path.parent.unlink()
    await store.put(OWNER, response("resp_1"))


async def test_a_folder_without_leave_to_write_is_named_as_such() -> None:
    with nobody(), tempfile.TemporaryDirectory() as name:
        store = SQLiteStore(Path(name) / "responses.sqlite3", FixedClock())

        with read_only(Path(name)), pytest.raises(StoreError, match="cannot be opened and"):
            await store.put(OWNER, response("resp_1"))

        await store.put(OWNER, response("resp_1"))
        await store.aclose()


async def test_a_locked_file_is_named_as_such(path: Path) -> None:
    store = SQLiteStore(path, FixedClock(), wait_s=0.01)
    await store.put(OWNER, response("resp_1"))
    with raw(path) as connection:
        connection.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreError, match="locked"):
            await store.put(OWNER, response("resp_2"))
        assert await store.get(OWNER, "resp_1") == response("resp_1")

    await store.put(OWNER, response("resp_2"))
    await store.aclose()


async def test_those_that_wait_for_a_locked_file_wait_together(path: Path) -> None:
    store = SQLiteStore(path, FixedClock(), wait_s=0.5)
    await store.put(OWNER, response("resp_1"))
    with raw(path) as connection:
        connection.execute("BEGIN IMMEDIATE")
        writes = [store.put(OWNER, response(f"resp_{number}")) for number in range(2, 62)]

        # One after the other they would take half a minute.
        async with asyncio.timeout(10):
            *failures, kept = await asyncio.gather(
                *writes, store.get(OWNER, "resp_1"), return_exceptions=True
            )

    assert len(failures) == 60
    assert all("locked" in str(failure) for failure in failures)
    assert kept == response("resp_1")
    await store.aclose()


@pytest.mark.parametrize(
    "version", [pytest.param(0, id="empty"), pytest.param(len(MIGRATIONS), id="without a log")]
)
async def test_a_file_that_is_being_read_as_it_is_set_up_is_named_as_such(
    path: Path, version: int
) -> None:
    store = SQLiteStore(path, FixedClock(), wait_s=0.01)
    with raw(path) as connection:
        migrate(connection, MIGRATIONS[:version])
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM sqlite_master").fetchall()

        with pytest.raises(StoreError, match="locked"):
            await store.put(OWNER, response("resp_1"))

    await store.put(OWNER, response("resp_1"))
    await store.aclose()


@contextlib.contextmanager
def nobody() -> Generator[None]:
    """Be, with what one owns, someone whom permissions hold: root they do not."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


@contextlib.contextmanager
def read_only(folder: Path) -> Generator[None]:
    folder.chmod(0o500)
    yield
    folder.chmod(0o700)
