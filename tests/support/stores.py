"""Stores to run the contract suite of ResponseStorePort against.

A new adapter adds one opener to ``OPENERS``. A store whose time is not ``clock`` overrides
``pass_time``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

from adapters.stores.memory import MemoryStore, Room
from application.ports.store import ResponseStorePort
from tests.support.fake_system import FixedClock


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the store under test is opened with."""

    entries: int = 1000
    limit_bytes: int = 16 * 1024 * 1024
    ttl_s: int = 3600


@dataclass
class Opened:
    """An empty store of its own, and its time."""

    store: ResponseStorePort
    clock: FixedClock = field(default_factory=FixedClock)

    async def pass_time(self, seconds: int) -> None:
        """Let the store's time go on."""
        self.clock.now += seconds


Opener: TypeAlias = Callable[[Bounds], AbstractAsyncContextManager[Opened]]


@contextlib.asynccontextmanager
async def memory(bounds: Bounds) -> AsyncGenerator[Opened]:
    """Open a store in memory."""
    clock = FixedClock()
    room = Room(bounds.entries, bounds.limit_bytes, bounds.ttl_s)
    yield Opened(MemoryStore(clock, room), clock)


OPENERS: Mapping[str, Opener] = {"memory": memory}
