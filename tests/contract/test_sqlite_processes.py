"""Processes that are killed, and processes that share a file."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.stores.sqlite.store import SQLiteStore
from tests.support.fake_system import FixedClock
from tests.support.store_writer import OWNER, response

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

ROOT = Path(__file__).parents[2]
COUNT = 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "responses.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncGenerator[SQLiteStore]:
    store = SQLiteStore(path, FixedClock())
    yield store
    await store.aclose()


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.store_writer", str(path), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this Python


def integrity(path: Path) -> str:
    with sqlite3.connect(path) as connection:
        found: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return found


@pytest.mark.parametrize("after", [1, 300, 700])
async def test_a_killed_process_loses_nothing_that_it_acknowledged(
    path: Path, store: SQLiteStore, after: int
) -> None:
    with writer(path, "a", COUNT) as process:
        assert process.stdout is not None
        before = list(itertools.islice(process.stdout, after))
        process.kill()
        acknowledged = [line.strip() for line in (*before, *process.stdout) if line[-1] == "\n"]

    kept = [await store.get(OWNER, response_id) for response_id in acknowledged]

    assert after <= len(acknowledged) < COUNT
    assert kept == [response(response_id) for response_id in acknowledged]
    assert integrity(path) == "ok"


async def test_a_store_goes_on_where_a_killed_process_stopped(
    path: Path, store: SQLiteStore
) -> None:
    with writer(path, "a", COUNT) as process:
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        process.kill()

    await store.delete(OWNER, first)
    await store.put(OWNER, response("resp_new"))

    assert await store.get(OWNER, "resp_new") == response("resp_new")
    with sqlite3.connect(path) as connection:
        counted = connection.execute("SELECT entries, bytes FROM room").fetchone()
        there = connection.execute("SELECT count(*), sum(base + more) FROM entry").fetchone()
    connection.close()
    assert counted == there


async def test_processes_share_a_file(path: Path, store: SQLiteStore) -> None:
    names = ("a", "b", "c")
    processes = [writer(path, name, 100) for name in names]

    said = [(await asyncio.to_thread(process.communicate))[0].split() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert [len(words) for words in said] == [101, 101, 101]
    assert len({words[-1] for words in said}) == 1
    written = [word for words in said for word in words[:-1]]
    kept = [await store.get(OWNER, response_id) for response_id in written]
    assert kept == [response(response_id) for response_id in written]
    assert integrity(path) == "ok"
