"""Asking for responses over a WebSocket."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Protocol

from websockets.asyncio.client import connect

from tests.support.response_streams import TERMINAL
from tests.support.responses import PATH

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from websockets.asyncio.client import ClientConnection

ENDS = TERMINAL | {"error"}


class Served(Protocol):
    """What listens on a port of this machine."""

    @property
    def port(self) -> int:
        """The port."""
        ...


class Socket:
    """A connection that takes turns; ``connection`` is what it is made of."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def create(self, **body: Any) -> None:
        """Send a ``response.create`` event."""
        await self.send({"type": "response.create", "input": "Hi"} | body)

    async def send(self, event: Any) -> None:
        """Send text or bytes as they are, anything else as JSON."""
        raw = event if isinstance(event, str | bytes) else json.dumps(event)
        await self.connection.send(raw)

    async def read(self) -> dict[str, Any]:
        """Return the next event."""
        event: dict[str, Any] = json.loads(await self.connection.recv(decode=True))
        return event

    async def read_turn(self) -> list[dict[str, Any]]:
        """Return the events up to the end of a turn."""
        events = [await self.read()]
        while events[-1]["type"] not in ENDS:
            events.append(await self.read())
        return events

    async def turn(self, **body: Any) -> list[dict[str, Any]]:
        """Return all events that answer a ``response.create`` event."""
        await self.create(**body)
        return await self.read_turn()

    async def answer(self, **body: Any) -> dict[str, Any]:
        """Return the response at the end of a turn."""
        response: dict[str, Any] = (await self.turn(**body))[-1]["response"]
        return response

    async def refusal(self, **body: Any) -> dict[str, Any]:
        """Return the error that a turn is refused with."""
        (event,) = await self.turn(**body)
        error: dict[str, Any] = event["error"]
        return error

    async def closed(self) -> int | None:
        """Return the code of the close that the server sends next."""
        await self.connection.wait_closed()
        return self.connection.close_code


@contextlib.asynccontextmanager
async def connected(
    service: Served,
    headers: Mapping[str, str] | None = None,
    path: str = PATH,
    **options: Any,
) -> AsyncGenerator[Socket]:
    """Open a WebSocket; a refused handshake raises ``websockets.InvalidStatus``."""
    async with connect(
        f"ws://127.0.0.1:{service.port}{path}",
        additional_headers=headers,
        compression=None,
        **options,
    ) as connection:
        yield Socket(connection)
