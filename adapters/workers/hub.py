"""The parent's side: it keeps the places and the accounts, and its workers come to its desks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from adapters.transport.ndjson import LineSplitter, split
from adapters.workers import wire
from domain.errors import ServiceError
from domain.keys import KeyLimits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from application.admission import Admission
    from application.ports.limits import AccountPort, AccountsPort

_PATIENCE_S = 2.0


class Tally(Protocol):
    """Adds up figures."""

    def retire(self, figures: bytes) -> None:
        """Keep what has to last of the figures of a worker that is no more."""
        ...

    def add_up(self, figures: Sequence[bytes]) -> bytes:
        """Return the figures of workers as those of one process."""
        ...


class Hub:
    """What is one for all workers.

    Args:
        admission: the places, and the line for them.
        accounts: opens the accounts of callers.
        tally: adds up the workers' figures.

    Attributes:
        patience_s: how long workers are waited for that are asked for their figures.
    """

    def __init__(self, admission: Admission, accounts: AccountsPort, tally: Tally) -> None:
        self.admission = admission
        self.patience_s = _PATIENCE_S
        self.tally = tally
        self.desks: set[Desk] = set()
        self.accounts = accounts

    def desk(self, on_ready: Callable[[], None]) -> Desk:
        """Return the protocol of the connection to a new worker."""
        return Desk(self, on_ready)

    async def collect(self) -> bytes:
        """Return the figures of all workers, and of those that were.

        Who does not show them in time is counted with those of before.
        """
        shows = [desk.show() for desk in self.desks]
        if shows:
            await asyncio.wait(shows, timeout=self.patience_s)
        return self.tally.add_up([desk.figures for desk in self.desks if desk.figures])


class Desk(asyncio.Protocol):
    """What one worker has asked for; all of it goes back when the worker ends.

    Attributes:
        figures: as it showed them last.
    """

    def __init__(self, hub: Hub, on_ready: Callable[[], None]) -> None:
        self.figures = b""
        self._hub = hub
        self._on_ready = on_ready
        self._lines = LineSplitter(wire.LINE_LIMIT_BYTES)
        self._transport: asyncio.WriteTransport | None = None
        self._accounts: dict[int, AccountPort] = {}
        # Of places: by tickets, how each is given back.
        self._held: dict[int, Callable[[], None]] = {}
        self._asked: dict[int, asyncio.Task[None]] = {}
        self._shown: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Do what the worker asks."""
        for line in split(self._lines.feed(data)):
            self._do(wire.from_worker.decode(line))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Give back what the worker had."""
        self._transport = None
        self._hub.desks.discard(self)
        for task in self._asked.values():
            task.cancel()
        for leave in self._held.values():
            leave()
        self._held.clear()
        if self.figures:
            self._hub.tally.retire(self.figures)
        self._show_no_more()

    def show(self) -> asyncio.Future[None]:
        """Ask for the worker's figures; return what is done when they are here."""
        if self._shown is None:
            self._shown = asyncio.get_running_loop().create_future()
            self._tell(wire.Show())
        return self._shown

    def _do(self, message: wire.FromWorker) -> None:  # noqa: C901 - one case a message
        match message:
            case wire.Enter():
                self._enter(message)
            case wire.Leave(ticket):
                self._leave(ticket)
            case wire.Take(account, tokens):
                self._accounts[account].take(tokens)
            case wire.Count():
                self._count(message)
            case wire.Open():
                self._open(message)
            case wire.Collect(ticket):
                self._start(ticket, self._collect(ticket))
            case wire.Figures(figures):
                self.figures = bytes(figures)
                self._show_no_more()
            case wire.Ready():
                self._hub.desks.add(self)
                self._on_ready()

    def _enter(self, message: wire.Enter) -> None:
        ticket, admission = message.ticket, self._hub.admission
        if message.account != wire.EVERYONE:
            self._start(ticket, self._enter_own(ticket, self._accounts[message.account]))
        elif admission.enter_now():
            self._held[ticket] = admission.leave
            self._tell(wire.Granted(ticket))
        else:
            self._start(ticket, self._wait(ticket, message.caller))

    def _open(self, message: wire.Open) -> None:
        limits = KeyLimits(
            message.requests_per_minute, message.tokens_per_minute, message.concurrency
        )
        self._accounts[message.account] = self._hub.accounts.open(message.whose, limits)

    def _count(self, message: wire.Count) -> None:
        account = self._accounts[message.account]
        asking = {
            wire.What.LOOK: account.look,
            wire.What.ADMIT: account.admit,
            wire.What.CHECK_PLACES: account.check_places,
        }[message.what]
        self._start(message.ticket, self._counted(message.ticket, asking, account))

    def _leave(self, ticket: int) -> None:
        leave = self._held.pop(ticket, None)
        if leave is not None:
            leave()
        elif (asked := self._asked.get(ticket)) is not None:
            asked.cancel()

    def _start(self, ticket: int, asking: Coroutine[None, None, None]) -> None:
        task = self._asked[ticket] = asyncio.create_task(asking)
        task.add_done_callback(lambda _: self._asked.pop(ticket, None))

    async def _wait(self, ticket: int, caller: str) -> None:
        admission = self._hub.admission
        try:
            waited_s = await admission.enter(caller)
        except ServiceError as error:
            self._tell(wire.refused(ticket, error))
            return
        self._held[ticket] = admission.leave
        self._tell(wire.Granted(ticket, waited_s))

    async def _enter_own(self, ticket: int, account: AccountPort) -> None:
        try:
            await account.enter()
        except ServiceError as error:
            self._tell(wire.refused(ticket, error))
            return
        self._held[ticket] = account.leave
        self._tell(wire.granted(ticket, account))

    async def _counted(
        self, ticket: int, asking: Callable[[], Awaitable[None]], account: AccountPort
    ) -> None:
        try:
            await asking()
        except ServiceError as error:
            self._tell(wire.refused(ticket, error, account))
            return
        self._tell(wire.granted(ticket, account))

    async def _collect(self, ticket: int) -> None:
        self._tell(wire.Collected(ticket, msgspec.Raw(await self._hub.collect())))

    def _show_no_more(self) -> None:
        if self._shown is not None and not self._shown.done():
            self._shown.set_result(None)
        self._shown = None

    def _tell(self, message: wire.FromParent) -> None:
        if self._transport is not None:
            self._transport.write(wire.line(message))
