"""HTTP/1.1 as a scripted server speaks it, broken where a test wants it broken."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus
from typing import Any, TypeAlias

NDJSON = {"content-type": "application/x-ndjson"}
JSON = {"content-type": "application/json; charset=utf-8"}
PLAIN = {"content-type": "text/plain; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Flood:
    """Many bytes without a line feed, made as they are read."""

    size: int


# Bytes to send, or a gate to wait for before the next bytes.
Piece: TypeAlias = bytes | Flood | asyncio.Event


class Framing(Enum):
    """How the pieces of a reply become bytes on the wire."""

    CHUNKED = auto()
    SIZED = auto()
    # The pieces are all there is, head included.
    RAW = auto()


class Ending(Enum):
    """What follows the last piece."""

    # The end as HTTP defines it; the connection stays open.
    CLEAN = auto()
    # The connection closes, whatever was promised.
    CUT = auto()
    RESET = auto()
    # Nothing, until the client leaves.
    HANG = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    """One scripted answer.

    The head leaves together with the first bytes, as Ollama's does: a gate in front of them
    holds the head back, ``b""`` sends it alone, and a reply without pieces that does not end
    cleanly sends no head at all.
    """

    pieces: tuple[Piece, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: dict(NDJSON))
    ending: Ending = Ending.CLEAN
    framing: Framing = Framing.CHUNKED

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        if self.framing is Framing.RAW:
            return b""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.framing is Framing.CHUNKED:
            lines.append("transfer-encoding: chunked")
        else:
            size = sum(len(piece) for piece in self.pieces if isinstance(piece, bytes))
            lines.append(f"content-length: {size}")
        return "\r\n".join([*lines, "", ""]).encode()

    @property
    def ends_with_its_pieces(self) -> bool:
        """Whether the last piece completes the reply for the client."""
        return self.framing is not Framing.CHUNKED and self.ending is Ending.CLEAN

    @property
    def tail(self) -> bytes:
        """What ends a clean body."""
        return b"0\r\n\r\n" if self.framing is Framing.CHUNKED else b""

    def framed(self, piece: bytes) -> bytes:
        """Return ``piece`` as it goes out; an empty one never ends the body."""
        if self.framing is Framing.CHUNKED and piece:
            return b"%x\r\n%b\r\n" % (len(piece), piece)
        return piece


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; ``headers`` in lower case, ``json`` None without a JSON body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    json: Any


async def read_request(reader: asyncio.StreamReader) -> Request:
    """Return the next request of a connection.

    Raises:
        EOFError: the client closed the connection between two requests, or inside one.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunked(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body, _decoded(body))


def reset(writer: asyncio.StreamWriter) -> None:
    """Close the connection with RST instead of FIN."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _chunked(reader: asyncio.StreamReader) -> bytes:
    pieces: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        pieces.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(pieces)


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _phrase(status: int) -> str:
    # 499 and its like have no name.
    return HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "-"
