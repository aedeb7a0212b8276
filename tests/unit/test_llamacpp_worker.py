"""A request between a thread and a loop, over an engine that has no model to load."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from adapters.llamacpp.engine import Engine
from adapters.llamacpp.worker import Worker
from domain.errors import UpstreamUnavailableError
from tests.support.fake_system import CountingIds

if TYPE_CHECKING:
    from collections.abc import Iterator

GUARD_S = 10


@pytest.fixture
def engine() -> Engine:
    absent = Path("/nowhere/model.gguf")
    return Engine(CountingIds(), absent, threads=1, slots=1, context_length=256)


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


async def test_a_failure_on_the_thread_reaches_the_reader(
    engine: Engine, executor: ThreadPoolExecutor
) -> None:
    worker = Worker(engine, b"{}", executor)

    async with asyncio.timeout(GUARD_S):
        with pytest.raises(UpstreamUnavailableError) as caught:
            await worker.read()
        await worker.stop()

    assert caught.value.code == "model_file_missing"


async def test_a_request_stopped_in_line_never_starts(
    engine: Engine, executor: ThreadPoolExecutor
) -> None:
    room = threading.Event()
    executor.submit(room.wait)
    worker = Worker(engine, b"{}", executor)

    async with asyncio.timeout(GUARD_S):
        await worker.stop()
        room.set()
        with pytest.raises(UpstreamUnavailableError) as caught:
            await worker.read()

    # Had it started, it would have missed its file.
    assert caught.value.code is None
