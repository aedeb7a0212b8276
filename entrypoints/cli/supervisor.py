"""Several processes that serve, and the parent that keeps what they share."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import structlog
from uvicorn.loops.auto import auto_loop_factory

from entrypoints.cli import listening
from entrypoints.cli.server import COULD_NOT_START, FUSE_S, settle_collector
from entrypoints.http.metrics import shared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from entrypoints.container import Container
    from entrypoints.settings import Settings

_log = structlog.stdlib.get_logger()

_ROOT = Path(__file__).parents[2]
# Starts in a row that come to nothing, after which nothing is expected of another.
_MOST_IN_VAIN = 5
# Whoever lived so long is replaced at once.
_LONG_S = 10.0
_LONGEST_WAIT_S = 30
# What a worker takes longer than it may.
_LATE_S = 5


def run(container: Container) -> int:
    """Serve with several processes until told to stop; return the exit code."""
    settings = container.settings()
    # What cannot be built is told once, and not by every worker.
    container.llm()
    try:
        sockets = listening.sockets(settings.host, settings.port, settings.workers)
    except OSError as error:
        _log.error("could_not_listen", reason=error.strerror)
        return COULD_NOT_START
    hub = container.hub(tally=shared(container.admission()))
    settle_collector()
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        return runner.run(_Supervisor(settings, hub.desk, sockets).run())


class _Worker:
    """A process that serves, from its start to its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.is_ready = False

    def tell(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


class _Supervisor:
    """Starts the workers, replaces those that end, and ends them all when told to."""

    def __init__(
        self,
        settings: Settings,
        desk: Callable[[Callable[[], None]], asyncio.Protocol],
        sockets: Sequence[Sequence[socket.socket]],
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._sockets = sockets
        self._workers: set[_Worker] = set()
        self._serving = False
        self._stopping = asyncio.Event()
        self._code = 0

    async def run(self) -> int:
        """Return the exit code once all workers have ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        if self._settings.key_file is not None:
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        await asyncio.gather(*map(self._keep, self._sockets))
        return self._code

    async def _keep(self, sockets: Sequence[socket.socket]) -> None:
        """Keep a worker running on these sockets."""
        in_vain = short = 0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            worker = await self._start(sockets)
            code = COULD_NOT_START if worker is None else await worker.process.wait()
            self._workers.discard(worker)
            if self._stopping.is_set():
                return
            is_vain = worker is None or not worker.is_ready
            if worker is not None:
                in_vain = in_vain + 1 if is_vain else 0
            if is_vain and (in_vain == _MOST_IN_VAIN or not self._serving):
                self._give_up(code)
                return
            short = short + 1 if loop.time() - began < _LONG_S else 0
            wait_s = min(2 ** (short - 2), _LONGEST_WAIT_S) if short > 1 else 0
            if wait_s:
                listening.pause(sockets)
            _log.error("worker_ended", code=code, next_in_s=wait_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stopping.wait()

    async def _start(self, sockets: Sequence[socket.socket]) -> _Worker | None:
        """Return a new worker; None where the system has no room for one just now."""
        try:
            ours, process = await _launched(sockets)
        except OSError as error:
            _log.error("worker_not_started", reason=error.strerror)
            return None
        worker = _Worker(process)
        self._workers.add(worker)
        if self._stopping.is_set():
            worker.tell(signal.SIGTERM)
        desk = self._desk(self._readying(worker))
        channel, _ = await asyncio.get_running_loop().create_unix_connection(
            lambda: desk, sock=ours
        )
        channel.write(msgspec.json.encode(self._settings) + b"\n")
        return worker

    def _readying(self, worker: _Worker) -> Callable[[], None]:
        def ready() -> None:
            worker.is_ready = True
            if self._serving or sum(each.is_ready for each in self._workers) < len(self._sockets):
                return
            self._serving = True
            at = listening.shown(self._sockets[0][0])
            count = len(self._sockets)
            _log.info(f"{count} workers running on http://{at} (Press CTRL+C to quit)")

        return ready

    def _stop(self, number: signal.Signals) -> None:
        """Pass it on; the second time workers end at once."""
        first = not self._stopping.is_set()
        self._stopping.set()
        self._tell(number)
        if first:
            # Whoever comes now is refused, as nobody would come for him.
            for listener in (each for some in self._sockets for each in some):
                listener.close()
            last_s = self._settings.shutdown_grace_s + FUSE_S + _LATE_S
            asyncio.get_running_loop().call_later(last_s, self._tell, signal.SIGKILL)

    def _give_up(self, code: int) -> None:
        _log.error("worker_could_not_start", code=code)
        self._code = COULD_NOT_START
        if not self._stopping.is_set():
            self._stop(signal.SIGTERM)

    def _hang_up(self) -> None:
        # Who is not ready yet reads the keys anyway, and could not bear it.
        for worker in self._workers:
            if worker.is_ready:
                worker.tell(signal.SIGHUP)

    def _tell(self, number: signal.Signals) -> None:
        for worker in self._workers:
            worker.tell(number)


async def _launched(
    sockets: Sequence[socket.socket],
) -> tuple[socket.socket, asyncio.subprocess.Process]:
    """Return the parent's end of the channel to a new process, and that."""
    ours, its = socket.socketpair()
    numbers = [each.fileno() for each in (its, *sockets)]
    with its, ExitStack() as unless_launched:
        unless_launched.callback(ours.close)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "entrypoints.cli.worker", *map(str, numbers)),
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=numbers,
            # Ctrl-C in the terminal comes here, and is passed on.
            start_new_session=True,
        )
        unless_launched.pop_all()
    return ours, process


def _environment() -> dict[str, str]:
    paths = filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
