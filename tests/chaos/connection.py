"""A client's connection that takes one request after another."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tests.support import raw_http

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.raw_http import Head


class Connection:
    """Opens itself when it is needed, and again after the service has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[Head, bytes]:
        """Return the answer to a POST.

        Raises:
            EOFError: the connection ended within it.
            OSError: it broke, or none could be opened.
        """
        if self._open is None:
            self._open = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._open
        fields = {
            "host": "127.0.0.1",
            "content-type": "application/json",
            "content-length": str(len(body)),
            **headers,
        }
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        head = await raw_http.read_head(reader)
        data = await raw_http.read_body(reader, head)
        if head.headers.get("connection") == "close":
            await self.drop()
        return head, data

    async def drop(self) -> None:
        """Close it, where it is open."""
        if self._open is not None:
            writer = self._open[1]
            self._open = None
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
