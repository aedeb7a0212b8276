"""An answer of a model server: a status, and a body that is still to be read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.errors import UpstreamError, UpstreamProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.transport.connection import Connection

# What an answer that is read whole may hold: model lists and details reach some hundreds of
# kilobytes; 128 vectors of 8,192 components, the most that is asked for at a time, 24 megabytes.
_WHOLE_LIMIT_BYTES = 32 * 1024 * 1024
# An error's text is a sentence; what is longer is of no use.
_ERROR_LIMIT_BYTES = 64 * 1024

_OK = 200
# The end of a body follows its last line at once; a connection is not worth a longer wait.
_END_S = 0.05


class UpstreamResponse:
    """An answer whose body is still to be read; ``aclose`` gives the connection back."""

    def __init__(self, connection: Connection, release: Callable[[Connection], None]) -> None:
        self.status = connection.status
        self.read = connection.read
        self._connection = connection
        self._release = release
        self._closed = False

    async def whole(self) -> bytes:
        """Return the body, and give the connection back; of an error's body, its beginning.

        Raises:
            UpstreamError: it is too large, or the connection broke.
        """
        try:
            if self.status == _OK:
                return await self.read_whole(_WHOLE_LIMIT_BYTES)
            return await self.read_start(_ERROR_LIMIT_BYTES)
        finally:
            await self.aclose()

    async def read_whole(self, limit_bytes: int) -> bytes:
        """Return the rest of the body.

        Raises:
            UpstreamProtocolError: it is longer than ``limit_bytes``.
            UpstreamError: the connection broke.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > limit_bytes:
                raise too_large()
            pieces.append(piece)
        return b"".join(pieces)

    async def read_start(self, limit_bytes: int) -> bytes:
        """Return the rest of the body; of a longer one, its first ``limit_bytes``.

        Raises:
            UpstreamError: the connection broke.
        """
        data = b""
        while len(data) < limit_bytes and (piece := await self.read()):
            data += piece
        return data[:limit_bytes]

    async def finish(self) -> None:
        """Await the end of a body of which nothing more is wanted, so that the connection lives.

        Gives up after a moment, and on anything unforeseen: the answer stands either way.
        """
        if self._connection.complete:
            return
        try:
            async with asyncio.timeout(_END_S):
                await self.read()
        except (UpstreamError, TimeoutError):
            self._connection.cut()

    async def aclose(self) -> None:
        """Give the connection back if the body has arrived whole, else cut it."""
        if not self._closed:
            self._closed = True
            self._release(self._connection)


def too_large() -> UpstreamProtocolError:
    """Return the error of an answer that is larger than any that makes sense."""
    message = "The model server's answer is too large."
    return UpstreamProtocolError(message, code="upstream_too_large")
