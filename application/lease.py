"""Which processes live: so that what a dead one was about can be told from what takes long."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from domain.errors import ServiceError

if TYPE_CHECKING:
    from application.ports.store import ResponseStorePort
    from application.ports.system import IdPort

# A process shows itself so often, and counts as dead so long after the last time.
BEAT_S = 20.0
LIFE_S = 90

# Claims belong to an owner; these to no caller.
_OWNER = "service"
_ALIVE = "yes"
# Longer than any answer may take.
_RUN_S = 7 * 24 * 3600


class Lease:
    """Says in the store which process works on what, and that this one lives.

    A process that lives has two claims, which it renews in turn: there is always one.
    """

    def __init__(self, store: ResponseStorePort, ids: IdPort, beat_s: float = BEAT_S) -> None:
        self._beat_s = beat_s
        self._store = store
        self._ids = ids
        self._process = ""
        self._turn = 0

    async def take(self, owner: str, response_id: str) -> None:
        """Say that this process works on a response."""
        if not self._process:
            self._process = self._ids.new("process_")
        await self.renew()
        await self._store.claim(owner, f"run:{response_id}", self._process, _RUN_S)

    async def leave(self, owner: str, response_id: str) -> None:
        """Say that it does so no more."""
        await self._store.release(owner, f"run:{response_id}")

    async def is_held(self, owner: str, response_id: str) -> bool:
        """Return whether another process that lives works on a response."""
        holder = await self._store.claim(owner, f"run:{response_id}", "", 1)
        return holder not in ("", self._process) and await self._lives(holder)

    async def renew(self) -> None:
        """Say that this process lives."""
        self._turn = 1 - self._turn
        key = _key(self._process, self._turn)
        await self._store.release(_OWNER, key)
        await self._store.claim(_OWNER, key, _ALIVE, LIFE_S)

    async def beat(self) -> None:
        """Renew again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._beat_s)
            # The next time may do.
            with suppress(ServiceError):
                await self.renew()

    async def _lives(self, process: str) -> bool:
        keys = [_key(process, turn) for turn in (0, 1)]
        # Asking is claiming; what is claimed by asking means nothing, and is soon forgotten.
        found = [await self._store.claim(_OWNER, key, "", 1) for key in keys]
        return _ALIVE in found


def _key(process: str, turn: int) -> str:
    return f"alive:{process}:{turn}"
