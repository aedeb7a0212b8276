"""Stores to run the contract suite of ResponseStorePort against.

A new adapter adds one opener to ``OPENERS``. A store whose time is not ``clock`` overrides
``pass_time``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from adapters.stores.memory import MemoryStore
from adapters.stores.room import Room
from adapters.stores.sqlite.store import SQLiteStore
from adapters.stores.valkey.server import Server
from adapters.stores.valkey.store import ValkeyStore
from application.ports.store import ResponseStorePort
from tests.support.fake_system import FixedClock


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a store may be built on.

    Attributes:
        directory: an empty one.
        valkey: gives the address of a server that nobody else uses now.
    """

    directory: Path
    valkey: Callable[[], str]


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


_NEARER = """
for _, key in ipairs(redis.call('KEYS', '*')) do
  redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[1] * 1000)
end
"""


class ValkeyOpened(Opened):
    """Time is the server's; it passes by moving all ends nearer."""

    def __init__(self, store: ValkeyStore, server: Server) -> None:
        super().__init__(store)
        self.server = server

    async def pass_time(self, seconds: int) -> None:
        await self.server.ask("EVAL", _NEARER, 0, seconds)


Opener: TypeAlias = Callable[[Bounds, Grounds], AbstractAsyncContextManager[Opened]]


@contextlib.asynccontextmanager
async def memory(bounds: Bounds, grounds: Grounds) -> AsyncGenerator[Opened]:  # noqa: ARG001
    """Open a store in memory."""
    clock = FixedClock()
    yield Opened(MemoryStore(clock, _room(bounds)), clock)


@contextlib.asynccontextmanager
async def sqlite(bounds: Bounds, grounds: Grounds) -> AsyncGenerator[Opened]:
    """Open a store in a new file."""
    clock = FixedClock()
    store = SQLiteStore(grounds.directory / "responses.sqlite3", clock, _room(bounds))
    try:
        yield Opened(store, clock)
    finally:
        await store.aclose()


@contextlib.asynccontextmanager
async def valkey(bounds: Bounds, grounds: Grounds) -> AsyncGenerator[Opened]:
    """Open a store on an empty server."""
    url = grounds.valkey()
    server, store = Server(url), ValkeyStore(url, _room(bounds))
    try:
        await server.ask("FLUSHALL")
        yield ValkeyOpened(store, server)
    finally:
        await store.aclose()
        await server.aclose()


OPENERS: Mapping[str, Opener] = {"memory": memory, "sqlite": sqlite, "valkey": valkey}


def _room(bounds: Bounds) -> Room:
    return Room(bounds.entries, bounds.limit_bytes, bounds.ttl_s)
