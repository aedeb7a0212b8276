"""Processes that are killed and started again at the same address."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Protocol

from tests.chaos.watch import tracebacks
from tests.support.process import started
from tests.support.valkey import ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random  # noqa: TID251 - seeded: chance that can be repeated

    from tests.support.process import Process

# Below those that systems give to connections.
_PORTS = range(20_000, 30_000)


def free_port(chance: Random) -> int:
    """Return a port that nobody listens on."""
    while True:
        port = chance.choice(_PORTS)
        with socket.socket() as candidate:
            if candidate.connect_ex(("127.0.0.1", port)):
                return port


class Victim(Protocol):
    """What can be killed."""

    name: str

    async def start(self) -> None:
        """Return once it serves."""

    async def kill(self) -> None:
        """End it with SIGKILL; return once it is gone."""


class Upstream:
    """The model server."""

    name = "model server"

    def __init__(self, port: int, seed: str, share: float) -> None:
        self._command = ("-m", "tests.chaos.upstream", str(port), seed, str(share))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return once it serves."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self._command, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert await self._process.stdout.readline() == b"ready\n"

    async def kill(self) -> None:
        """End it with SIGKILL; return once it is gone."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()


class Valkey:
    """The server that keeps one service's responses; it writes each change before it answers."""

    name = "Valkey"

    def __init__(self, folder: Path, port: int) -> None:
        self._server = ValkeyServer(folder)
        self._port = port

    async def start(self) -> None:
        """Return once it serves."""
        kept = ("--appendonly", "yes", "--appendfsync", "always")
        await asyncio.to_thread(self._server.start, "--port", str(self._port), *kept)

    async def kill(self) -> None:
        """End it with SIGKILL; return once it is gone."""
        await asyncio.to_thread(self._server.stop)


class Service:
    """The service itself; ``broken`` is what its logs tell of."""

    def __init__(self, name: str, folder: Path, settings: Mapping[str, str]) -> None:
        self.name = name
        self.port = int(settings["PORT"])
        self.broken: list[str] = []
        self._folder = folder
        self._settings = settings
        self._stack = AsyncExitStack()
        self._process: Process | None = None

    async def start(self) -> None:
        """Return once it serves."""
        self._process = await self._stack.enter_async_context(
            started(self._folder, **self._settings)
        )
        await self._process.port()

    async def kill(self) -> None:
        """End it with SIGKILL; return once it is gone."""
        assert self._process is not None
        self._process.stop(signal.SIGKILL)
        await self._process.ended()
        self.look()
        await self._stack.aclose()

    def look(self) -> None:
        """Look through what it has written since the last look."""
        if self._process is not None:
            self.broken += tracebacks(self._process)
