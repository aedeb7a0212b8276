"""``python -m entrypoints.cli.worker CHANNEL SOCKET...``: one of the processes that serve.

The arguments are descriptors: of the channel to the parent, which begins with the settings, and
of the sockets that listen. It ends when its parent does, however that ended.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from entrypoints import logging
from entrypoints.cli import server
from entrypoints.container import Container
from entrypoints.http.drain import Drain
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_READ_BYTES = 65_536


def run(channel: socket.socket, sockets: Sequence[socket.socket]) -> int:
    """Serve until told to stop; return the exit code."""
    given = _first_line(channel)
    if not given:
        # The parent is no more.
        return server.COULD_NOT_START
    settings = msgspec.json.decode(given, type=Settings)
    logging.configure(settings.log_level, settings.log_format)
    container = Container(settings=settings)
    container.override_providers(link=container.new_link)
    worker = _Worker(container, channel)
    return server.serve(worker, container, list(sockets))


class _Worker(server.Server):
    """Asks its parent from its start on, and tells it when it serves."""

    def __init__(self, container: Container, channel: socket.socket) -> None:
        drain = Drain()
        grace_s = container.settings().shutdown_grace_s
        super().__init__(server.config_of(container, drain), drain, grace_s)
        self._channel = channel
        self._link = container.new_link()
        self._link.on_end = partial(self.stop, signal.SIGINT)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: self._link, sock=self._channel)
        await super().startup(sockets)
        self._link.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End, and leave the parent last."""
        await super().shutdown(sockets)
        self._link.close()


def _first_line(channel: socket.socket) -> bytes:
    """Return what the parent says first; it says no more until it is told that there is one."""
    pieces: list[bytes] = []
    while piece := channel.recv(_READ_BYTES):
        pieces.append(piece)
        if piece.endswith(b"\n"):
            return b"".join(pieces)
    return b""


if __name__ == "__main__":
    listening = [socket.socket(fileno=int(number)) for number in sys.argv[2:]]
    sys.exit(run(socket.socket(fileno=int(sys.argv[1])), listening))
