"""An answer does not wait for what is yet to be done about it."""

from __future__ import annotations

import asyncio
import select
import socket
from functools import partial
from typing import Any

from entrypoints.http.protocol import ConnectionLimits, GuardedProtocol
from tests.support.server import serving

LIMITS = ConnectionLimits(header_s=10, body_s=10, write_s=10, header_bytes=8 * 1024)


async def test_a_client_has_the_whole_answer_before_the_application_returns() -> None:
    over = asyncio.get_running_loop().create_future()
    client = socket.socket()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"answer"})
        # The loop stands still meanwhile: what comes now is on its way already.
        arrived, _, _ = select.select([client], [], [], 1)
        over.set_result(client.recv(1024) if arrived else b"")

    http = partial(GuardedProtocol, limits=LIMITS)
    with client:
        async with serving(app, lifespan="off", http=http) as port:
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
            async with asyncio.timeout(10):
                came = await over

    assert came.startswith(b"HTTP/1.1 200 OK\r\n")
    assert came.endswith(b"answer\r\n0\r\n\r\n")
