"""The room of SQLiteStore: on a disk, and by its own bounds."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import shutil
import sqlite3
import subprocess
from typing import TYPE_CHECKING

import pytest

from adapters.stores.room import Room
from adapters.stores.sqlite.store import SQLiteStore
from domain.conversation import ResponseStatus, StoredResponse
from domain.errors import NotFoundError, StoreError
from tests.support.fake_system import FixedClock
from tests.support.store_writer import OWNER

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

KB = 1024


def response(number: int, size: int = 64 * KB) -> StoredResponse:
    return StoredResponse(f"resp_{number}", 1, "m", ResponseStatus.QUEUED, b"x" * size)


def counted(folder: Path) -> int:
    """Return how many entries the file holds."""
    connection = sqlite3.connect(folder / "responses.sqlite3")
    try:
        count: int = connection.execute("SELECT count(*) FROM entry").fetchone()[0]
    finally:
        connection.close()
    return count


async def fill(store: SQLiteStore) -> tuple[list[StoredResponse], StoreError]:
    """Put responses until one is refused; return the others and the refusal."""
    kept: list[StoredResponse] = []
    try:
        while True:
            await store.put(OWNER, response(len(kept)))
            kept.append(response(len(kept)))
    except StoreError as refusal:
        return kept, refusal


@contextlib.contextmanager
def small_disk(folder: Path) -> Generator[None]:
    options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not mount or not umount or subprocess.run([mount, *options], check=False).returncode:  # noqa: S603 - fixed words
        pytest.skip("needs leave to mount a small disk")
    try:
        yield
    finally:
        subprocess.run([umount, str(folder)], check=True)  # noqa: S603 - fixed words


@contextlib.contextmanager
def small_files() -> Generator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512 * KB, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    with small_disk(tmp_path):
        store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())
        filler = tmp_path / "filler"
        filler.write_bytes(bytes(512 * KB))
        kept, refusal = await fill(store)

        read = [await store.get(OWNER, each.id) for each in kept]
        filler.unlink()
        await store.put(OWNER, response(1000))

        assert len(kept) > 1
        assert read == kept
        assert (refusal.code, "full" in refusal.message) == ("store_unavailable", True)
        assert await store.get(OWNER, "resp_1000") == response(1000)
        await store.aclose()


async def test_a_disk_that_is_full_from_the_start_refuses(tmp_path: Path) -> None:
    with small_disk(tmp_path):
        filler = tmp_path / "filler"
        with pytest.raises(OSError, match="space"):
            filler.write_bytes(bytes(4096 * KB))
        store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())

        with pytest.raises(StoreError, match="disk"):
            await store.put(OWNER, response(1))

        filler.unlink()
        await store.put(OWNER, response(1))
        assert await store.get(OWNER, "resp_1") == response(1)
        await store.aclose()


async def test_what_shares_a_commit_fails_each_for_itself(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())
    await store.put(OWNER, response(0, 10))

    async def record(size: int) -> ResponseStatus:
        return await store.append_records(OWNER, "resp_0", [bytes(size)])

    calls = (store.put(OWNER, response(1, 10)), record(65 * KB * KB), record(1), record(2))
    answers = await asyncio.gather(*calls, store.get(OWNER, "x"), return_exceptions=True)

    assert answers[0] is None
    assert isinstance(answers[1], StoreError)
    assert list(answers[2:4]) == [ResponseStatus.QUEUED] * 2
    assert isinstance(answers[4], NotFoundError)
    assert (await store.read_records(OWNER, "resp_0"))[1] == [bytes(1), bytes(2)]
    assert await store.get(OWNER, "resp_1") == response(1, 10)
    await store.aclose()


async def test_reading_goes_on_beside_writes_that_a_full_disk_refuses(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())
    with small_files():
        await store.put(OWNER, response(0))
        calls = (store.put(OWNER, response(1, KB * KB)), store.get(OWNER, "resp_0"))

        answers = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(answers[0], StoreError)
    assert answers[1] == response(0)
    await store.aclose()


async def test_a_caller_who_left_holds_up_nobody(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())
    puts = [asyncio.ensure_future(store.put(OWNER, response(n, 10))) for n in range(20)]
    await asyncio.sleep(0)
    for put in puts[::2]:
        put.cancel()

    answers = await asyncio.gather(*puts, return_exceptions=True)

    assert answers[1::2] == [None] * 10
    kept = [await store.get(OWNER, f"resp_{n}") for n in range(1, 20, 2)]
    assert kept == [response(n, 10) for n in range(1, 20, 2)]
    await store.aclose()


async def test_a_disk_that_fails_refuses_and_loses_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())
    with small_files():
        kept, refusal = await fill(store)
        read = [await store.get(OWNER, each.id) for each in kept]

    assert len(kept) > 1
    assert read == kept
    assert (refusal.code, "disk" in refusal.message) == ("store_unavailable", True)
    await store.put(OWNER, response(1000))
    assert await store.get(OWNER, "resp_1000") == response(1000)
    await store.aclose()


@pytest.fixture
async def small(tmp_path: Path) -> AsyncGenerator[SQLiteStore]:
    room = Room(limit_bytes=4096 * KB, ttl_s=3600)
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock(), room)
    yield store
    await store.aclose()


async def test_the_file_does_not_outgrow_the_room(small: SQLiteStore, tmp_path: Path) -> None:
    for number in range(400):
        await small.put(OWNER, response(number))

    await small.aclose()
    assert (tmp_path / "responses.sqlite3").stat().st_size < 6 * 1024 * KB


async def test_many_puts_at_once_stay_within_the_room(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock(), Room(entries=3))

    await asyncio.gather(*(store.put(OWNER, response(number, 10)) for number in range(150)))

    assert counted(tmp_path) == 3
    assert await store.get(OWNER, "resp_149") == response(149, 10)
    await store.aclose()


def test_a_store_outlives_the_loop_that_left_it(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())

    async def leave() -> None:
        left = asyncio.ensure_future(store.put(OWNER, response(1, 10)))
        await asyncio.sleep(0)
        left.cancel()

    async def go_on() -> StoredResponse:
        await store.put(OWNER, response(2, 10))
        got = await store.get(OWNER, "resp_2")
        await store.aclose()
        return got

    asyncio.run(leave())
    assert asyncio.run(go_on()) == response(2, 10)


async def test_free_pages_go_back_to_the_disk(small: SQLiteStore, tmp_path: Path) -> None:
    for number in range(60):
        await small.put(OWNER, response(number))
    for number in range(60):
        await small.delete(OWNER, f"resp_{number}")
    for number in range(300):
        await small.put(OWNER, response(number % 2, 10))

    await small.aclose()
    assert (tmp_path / "responses.sqlite3").stat().st_size < 1500 * KB


async def test_a_value_over_all_bounds_is_refused(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "responses.sqlite3", FixedClock())
    await store.put(OWNER, response(1))

    with pytest.raises(StoreError, match="larger") as caught:
        await store.append_records(OWNER, "resp_1", [b"ok", bytes(65 * KB * KB)])

    assert caught.value.code == "response_too_large"
    assert await store.read_records(OWNER, "resp_1") == (ResponseStatus.QUEUED, [])
    await store.aclose()


async def test_what_is_over_its_time_leaves_the_file_by_and_by(tmp_path: Path) -> None:
    clock = FixedClock()
    store = SQLiteStore(tmp_path / "responses.sqlite3", clock, Room(ttl_s=60))
    for number in range(50):
        await store.put(OWNER, response(number, 10))
    clock.now += 60

    await store.release(OWNER, "any")
    after_one = counted(tmp_path)
    await store.release(OWNER, "any")

    assert (after_one, counted(tmp_path)) == (18, 0)
    with pytest.raises(NotFoundError):
        await store.get(OWNER, "resp_49")
    await store.aclose()
