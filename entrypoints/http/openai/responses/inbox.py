"""What a client sends over a WebSocket, read ahead so that its leaving shows at once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litestar.types import Receive
    from litestar.types.asgi_types import HTTPDisconnectEvent, ReceiveMessage

# Events that wait while one is answered.
_MOST_WAITING = 16


class Inbox:
    """Frames in their order, within bounds.

    Attributes:
        flooded: more frames came than may wait; there will be no more.
    """

    def __init__(self, receive: Receive, limit_bytes: int) -> None:
        self.flooded = False
        self._receive = receive
        self._limit_bytes = limit_bytes
        self._waiting: deque[str | None] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()

    async def pump(self) -> ReceiveMessage:
        """Take in the next message, and return it; ``HangUp`` runs on this.

        It says ``http.disconnect`` once there is no more to come.
        """
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return _gone()
        text = message.get("text")
        self._waiting.append(text)
        self._bytes += len(text or "")
        self._arrived.set()
        if len(self._waiting) > _MOST_WAITING or self._bytes > self._limit_bytes:
            self.flooded = True
            return _gone()
        return message

    async def next(self) -> str | None:
        """Return the next frame's text; None for a binary one."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        text = self._waiting.popleft()
        self._bytes -= len(text or "")
        return text


def _gone() -> HTTPDisconnectEvent:
    return {"type": "http.disconnect"}
