"""Clients that leave at a point that chance decides: before, within and after their request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from typing import TYPE_CHECKING

from tests.support import asking, raw_http
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.faults import named

if TYPE_CHECKING:
    from random import Random  # noqa: TID251 - seeded: chance that can be repeated

    from tests.support.fake_ollama_http import Reply, Request

_WAYS = tuple(asking.WAYS.values())
_PROMPT = re.compile(rb"\(request drop-(\d+)\)")
_TOKENS = 20
_TOKEN_S = 0.05
# Longer than it takes to the first token of any that comes.
_PATIENCE_S = 0.3


async def drop(port: int, number: int, chance: Random) -> None:
    """Begin a request and leave it, with FIN or RST."""
    way = chance.choice(_WAYS)
    body = json.dumps(way.body(named(f"drop-{number}"))).encode()
    head = (
        f"POST {way.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    ).encode()
    sent = {
        "before the head": b"",
        "within the head": head[: chance.randrange(1, len(head))],
        "within the body": head + body[: chance.randrange(len(body))],
        "waiting": head + body,
        "reading": head + body,
    }
    point = chance.choice(("waiting", "reading", *sent))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    leave = chance.choice((raw_http.hang_up, raw_http.reset))
    try:
        await _reach(point, sent[point], reader, writer, chance)
        with contextlib.suppress(OSError):
            await leave(writer)
    finally:
        writer.transport.abort()


async def _reach(
    point: str,
    data: bytes,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    chance: Random,
) -> None:
    """Send what goes before a point, and read up to it."""
    with contextlib.suppress(OSError, EOFError):
        writer.write(data)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(chance.uniform(0, _PATIENCE_S)):
                if point == "reading":
                    await raw_http.read_head(reader)
                    await reader.readexactly(chance.randrange(1, 2000))
                elif point == "waiting":
                    await reader.read(1)


def slow(request: Request, reply: Reply) -> Reply:
    """Answer what is going to be dropped in one of five ways, none of which ends soon."""
    found = _PROMPT.search(request.body)
    if found is None or request.path == "/api/embed":
        return reply
    lines = [text_line(f"{number} ") for number in range(_TOKENS)]
    loop = asyncio.get_running_loop()
    gates = [asyncio.Event() for _ in lines]
    for number, gate in enumerate(gates):
        loop.call_later(number * _TOKEN_S, gate.set)
    paced = [piece for pair in zip(gates, lines, strict=True) for piece in pair]
    kinds = (
        streamed(*paced, done_line()),
        streamed(*paced, ending=Ending.RESET),
        streamed(lines[0], ending=Ending.HANG),
        streamed(b"", ending=Ending.HANG),
        streamed(ending=Ending.HANG),
    )
    return kinds[int(found[1]) % len(kinds)]
