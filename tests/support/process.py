"""The service as a process of its own, started as its users start it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncGenerator, Callable, Mapping

_ROOT = Path(__file__).parents[2]
_PORT = re.compile(rb"running on http://[\d.]+:(\d+)")
# A guard against a process that never comes up or down; nothing is measured.
LIMIT_S = 60
_LOOK_S = 0.02


class Process:
    """A running service; ``output`` is all that it has written so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.output = b""
        self._news = asyncio.Event()
        self._readers = [
            asyncio.create_task(self._read(stream))
            for stream in (process.stdout, process.stderr)
            if stream is not None
        ]

    async def port(self) -> int:
        """Return the port once the service listens.

        Raises:
            RuntimeError: it ended first.
        """
        ending = asyncio.create_task(self._process.wait())
        async with asyncio.timeout(LIMIT_S):
            await asyncio.wait((ending, self._port), return_when=asyncio.FIRST_COMPLETED)
        if not self._port.done():
            await self.ended()
            message = f"the service did not start: {self.output.decode()}"
            raise RuntimeError(message)
        ending.cancel()
        return await self._port

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def descriptors(self) -> int:
        """How many files and sockets it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def resident_bytes(self) -> int:
        """How much of it is in memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def settles(self, holds: Callable[[], bool]) -> None:
        """Look until ``holds`` does: what another process frees tells nobody."""
        async with asyncio.timeout(LIMIT_S):
            while not holds():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(_LOOK_S)

    async def told(self, text: bytes) -> None:
        """Wait until ``text`` is in its output."""
        await self.settles(lambda: text in self.output)

    def stop(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    async def said(self, text: bytes, times: int = 1) -> None:
        """Wait until the service has written ``text`` so many times."""
        async with asyncio.timeout(LIMIT_S):
            while self.output.count(text) < times:
                self._news.clear()
                await self._news.wait()

    async def ended(self) -> int:
        """Return the exit code once the process has ended and all its output is read."""
        async with asyncio.timeout(LIMIT_S):
            await asyncio.gather(*self._readers)
            return await self._process.wait()

    async def kill(self) -> None:
        """End it, whatever it does; does nothing where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self.ended()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.readline():
            self.output += data
            self._news.set()
            found = _PORT.search(data)
            if found is not None and not self._port.done():
                self._port.set_result(int(found[1]))


@contextlib.asynccontextmanager
async def started(folder: Path, **settings: str) -> AsyncGenerator[Process]:
    """Start the service in ``folder`` with these settings and nothing else from outside."""
    # Coverage tells a process to measure itself.
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME"} or name.startswith("COVERAGE_")
    }
    environment: Mapping[str, str] = {
        **kept,
        "PYTHONPATH": str(_ROOT),
        "PYTHONWARNINGS": "error",
        "LOG_FORMAT": "json",
        "PORT": "0",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "entrypoints.cli", "serve"),
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    running = Process(process)
    try:
        yield running
    finally:
        await running.kill()
