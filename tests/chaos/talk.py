"""A client's WebSocket that takes one turn after another."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.chaos.verdict import wrong_turn
from tests.support.sockets import ENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

# What is no text, what is too large, and more events than may wait.
_MAY_CLOSE_WITH = (1007, 1009, 1008)


class Talk:
    """Opens itself when it is needed, and again after the service has closed it."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._url = f"ws://127.0.0.1:{port}/v1/responses"
        self._headers = headers
        self._open: ClientConnection | None = None

    async def turn(self, body: bytes) -> str | None:
        """Send an event, and return what is wrong with its answer."""
        if self._open is None:
            self._open = await connect(
                self._url, additional_headers=self._headers, compression=None, max_size=None
            )
        try:
            await self._open.send(body, text=True)
            events = [await self._event(self._open)]
            while events[-1].get("type") not in ENDS:
                events.append(await self._event(self._open))
        except ConnectionClosed as closed:
            self._open = None
            code = None if closed.rcvd is None else closed.rcvd.code
            return None if code in _MAY_CLOSE_WITH else f"the WebSocket closed: {closed}"
        return wrong_turn(events)

    async def drop(self) -> None:
        """Close it, where it is open."""
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def _event(self, connection: ClientConnection) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(await connection.recv(decode=False))
        return event
