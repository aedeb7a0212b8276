"""What the interpreter itself costs for one proxied completion or stream.

Bare ASGI, aiohttp and msgspec: no validation, no keys, no errors. Not a product, but what a
gateway in Python can be measured against.
"""

from __future__ import annotations

import os
from typing import Any

import aiohttp
import msgspec

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_URL = os.environ.get("UPSTREAM", "") + "/api/chat"
_JSON = [(b"content-type", b"application/json")]
_EVENTS = [(b"content-type", b"text/event-stream")]


class Floor:
    """An ASGI application."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        asked: dict[str, Any] = _decode(body) if body else {"model": "", "messages": []}
        stream = asked.get("stream", False)
        out = _encode({"model": asked["model"], "messages": asked["messages"], "stream": stream})
        async with self._session.post(
            _URL, data=out, headers={"content-type": "application/json"}
        ) as response:
            answer = _events if stream else _whole
            await answer(str(asked["model"]), response, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while (await receive())["type"] == "lifespan.startup":
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
            await send({"type": "lifespan.startup.complete"})
        await self._session.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _whole(model: str, response: aiohttp.ClientResponse, send: Any) -> None:
    answer = _decode(await response.read())
    usage = {
        "prompt_tokens": answer["prompt_eval_count"],
        "completion_tokens": answer["eval_count"],
    }
    choice = {"index": 0, "message": answer["message"], "finish_reason": "stop"}
    body = _encode(
        {
            "id": "x",
            "object": "chat.completion",
            "created": 1,
            "model": model,
            "choices": [choice],
            "usage": usage,
        }
    )
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [*_JSON, length]})
    await send({"type": "http.response.body", "body": body})


async def _events(model: str, response: aiohttp.ClientResponse, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
    rest = b""
    async for data in response.content.iter_any():
        *lines, rest = (rest + data).split(b"\n")
        out = b"".join(_event(model, line) for line in lines if line)
        if out:
            await send({"type": "http.response.body", "body": out, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


def _event(model: str, line: bytes) -> bytes:
    delta = {"content": _decode(line)["message"]["content"]}
    chunk = {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "delta": delta}],
    }
    return b"data: " + _encode(chunk) + b"\n\n"


app = Floor()
