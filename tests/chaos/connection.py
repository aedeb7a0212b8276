"""A client's connection that takes one request after another."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tests.support import raw_http

if TYPE_CHECKING:
    from tests.chaos.asks import Ask
    from tests.support.raw_http import Head

_SWITCHED = 101


class Connection:
    """Opens itself when it is needed, and again after the service has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, ask: Ask) -> tuple[Head, bytes]:
        """Return the answer to a request.

        Raises:
            EOFError: the connection ended within it.
            OSError: it broke, or none could be opened.
        """
        if self._open is None:
            self._open = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._open
        framing, body = _framed(ask)
        fields = {"host": "127.0.0.1", **framing, **ask.headers}
        lines = [
            f"{ask.method} {ask.path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        text = "\r\n".join([*lines, "", ""])
        writer.write(text.encode("utf-8", "surrogatepass") + body)
        head = await raw_http.read_head(reader)
        while 100 <= head.status < _SWITCHED:
            head = await raw_http.read_head(reader)
        bare = ask.method == "HEAD" or head.status in (_SWITCHED, 204)
        data = b"" if bare else await raw_http.read_body(reader, head)
        if head.headers.get("connection") == "close" or head.status == _SWITCHED:
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


def _framed(ask: Ask) -> tuple[dict[str, str], bytes]:
    if not ask.chunked:
        needed = ask.body or ask.method == "POST"
        return ({"content-length": str(len(ask.body))} if needed else {}), ask.body
    size = max(1, len(ask.body) // 3)
    pieces = [ask.body[start : start + size] for start in range(0, len(ask.body), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return {"transfer-encoding": "chunked"}, chunks + b"0\r\nx-trailer: 1\r\n\r\n"
