"""An HTTP client that shows each read as it comes, and can hang up."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer; names in lower case, a repeated one keeps its last."""

    status: int
    headers: Mapping[str, str]


async def send(
    port: int,
    path: str,
    json_body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str | None = None,
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request on a connection of its own; POST with a body, else GET.

    A body of ``bytes`` goes out as it is, any other as JSON.
    """
    body = json_body if isinstance(json_body, bytes) else json.dumps(json_body).encode()
    if json_body is None:
        body = b""
    fields = {"host": f"127.0.0.1:{port}"}
    if body:
        fields |= {"content-type": "application/json", "content-length": str(len(body))}
    fields |= headers or {}
    verb = method or ("POST" if body else "GET")
    lines = [f"{verb} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    try:
        await writer.drain()
    except OSError:
        writer.transport.abort()
        raise
    return reader, writer


async def read_head(reader: asyncio.StreamReader) -> Head:
    """Return status and headers once they have come in."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.split(":", 1) for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    return Head(int(first.split(" ")[1]), headers)


async def read_chunk(reader: asyncio.StreamReader) -> bytes:
    """Return the next chunk of a chunked body once it has come in; empty at its clean end.

    Raises:
        EOFError: the connection ended first.
    """
    size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
    return (await reader.readexactly(size + 2))[:-2]


async def read_body(reader: asyncio.StreamReader, head: Head) -> bytes:
    """Return the rest of the body.

    Raises:
        EOFError: the connection ended first.
    """
    if head.headers.get("transfer-encoding") == "chunked":
        chunks: list[bytes] = []
        while chunk := await read_chunk(reader):
            chunks.append(chunk)
        return b"".join(chunks)
    return await reader.readexactly(int(head.headers.get("content-length", "0")))


async def fetch(
    port: int,
    path: str,
    json_body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str | None = None,
) -> tuple[Head, bytes]:
    """Return the whole answer to one request, and close the connection."""
    reader, writer = await send(port, path, json_body, headers, method=method)
    try:
        head = await read_head(reader)
        return head, await read_body(reader, head)
    finally:
        await hang_up(writer)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close the connection as a client does that wants no more."""
    writer.close()
    await writer.wait_closed()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Drop the connection as a client does that was killed."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    await writer.wait_closed()
