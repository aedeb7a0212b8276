"""Work that goes on when its caller has left."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import OverloadedError, UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    from application.lease import Lease

# What waits or works in the background of one process. Those that work at the same time are
# fewer: they wait for their turn like everyone.
MOST_RUNS = 256
# How often to look for what other processes do.
LOOK_S = 0.5


@dataclass(slots=True)
class _Run:
    owner: str
    task: asyncio.Task[None]
    pulse: asyncio.Future[None]


class Runs:
    """The responses that this process makes in the background; it owns their tasks.

    Args:
        lease: tells other processes of them.
        most: how many there may be at a time.
        look_s: how often to look for what other processes do.
    """

    def __init__(self, lease: Lease, most: int = MOST_RUNS, look_s: float = LOOK_S) -> None:
        self._lease = lease
        self._most = most
        self._look_s = look_s
        self._runs: dict[str, _Run] = {}
        self._places: set[str] = set()
        self._beating: asyncio.Task[None] | None = None
        self._closed = False

    @contextmanager
    def place(self, response_id: str) -> Generator[None]:
        """While entered, a response has a place among the runs, to be started.

        Raises:
            OverloadedError: there is no room.
            UpstreamUnavailableError: the service ends.
        """
        if self._closed:
            message = "The server is shutting down; try again shortly."
            raise UpstreamUnavailableError(message, code="server_shutting_down")
        if len(self._runs) + len(self._places) >= self._most:
            message = "Too many responses are being made in the background; try again shortly."
            raise OverloadedError(message, code="too_many_background_responses")
        self._places.add(response_id)
        try:
            yield
        finally:
            self._places.discard(response_id)

    async def take(self, owner: str, response_id: str) -> None:
        """Say to other processes that a response is made here."""
        await self._lease.take(owner, response_id)

    async def leave(self, owner: str, response_id: str) -> None:
        """Say that it is made here no more."""
        await self._lease.leave(owner, response_id)

    async def are_at(self, owner: str, response_id: str) -> bool:
        """Return whether a response is being made, by this process or another that lives."""
        here = response_id in self._runs or response_id in self._places
        return here or await self._lease.is_held(owner, response_id)

    def start(self, owner: str, response_id: str, work: Coroutine[object, object, None]) -> None:
        """Let ``work`` go on by itself; it tells of its failures on its own.

        Where the service ended meanwhile it never begins, and others find that it was lost.
        """
        if self._closed:
            work.close()
            return
        if self._beating is None:
            self._beating = asyncio.create_task(self._lease.beat())
        task = asyncio.create_task(_finish(work))
        self._runs[response_id] = _Run(owner, task, _future())
        task.add_done_callback(lambda _: self._end(response_id, work))

    def pulse(self, response_id: str) -> asyncio.Future[None] | None:
        """Return what is done at the next news of a run; None where there is no run."""
        run = self._runs.get(response_id)
        return None if run is None else run.pulse

    async def news(self, pulse: asyncio.Future[None] | None) -> None:
        """Return once there may be news, of a run here or from elsewhere."""
        if pulse is None:
            await asyncio.sleep(self._look_s)
        else:
            await asyncio.wait((pulse,), timeout=self._look_s)

    def tell(self, response_id: str) -> None:
        """Wake those who wait for news."""
        run = self._runs[response_id]
        run.pulse.set_result(None)
        run.pulse = _future()

    async def stop(self, response_id: str) -> None:
        """End a run and wait until it has ended; do nothing where there is none."""
        run = self._runs.get(response_id)
        if run is not None:
            run.task.cancel()
            await asyncio.wait((run.task,))

    async def aclose(self) -> list[tuple[str, str]]:
        """End all runs, and take no more; return whose they were, and their ids."""
        self._closed = True
        runs = dict(self._runs)
        for run in runs.values():
            run.task.cancel()
        if runs:
            await asyncio.wait([run.task for run in runs.values()])
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait((self._beating,))
            self._beating = None
        return [(run.owner, response_id) for response_id, run in runs.items()]

    def _end(self, response_id: str, work: Coroutine[object, object, None]) -> None:
        # One that was cancelled before it began was never awaited.
        work.close()
        self._runs.pop(response_id).pulse.set_result(None)


async def _finish(work: Coroutine[object, object, None]) -> None:
    await work


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()
