from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from entrypoints.http.drain import Drain

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

SCOPE = cast("Scope", {"type": "http", "method": "GET", "path": "/", "headers": []})
START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": []}


async def cut_in(*messages: dict[str, Any]) -> tuple[asyncio.Task[int], list[dict[str, Any]]]:
    """Cut a request that has sent these messages; return its task and all that was sent."""
    sent: list[dict[str, Any]] = []
    waiting = asyncio.Event()

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(cast("Any", message))
        waiting.set()
        await asyncio.Event().wait()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    drain = Drain()
    guarded = drain.around(cast("ASGIApp", app))

    async def serve() -> int:
        await guarded(SCOPE, cast("Receive", None), cast("Send", send))
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    serving = asyncio.create_task(serve())
    await waiting.wait()
    drain.begin()
    drain.cut()
    await asyncio.wait((serving,))
    return serving, sent


async def test_a_request_that_is_cut_before_its_answer_gets_one() -> None:
    serving, sent = await cut_in()

    assert [message.get("status") for message in sent] == [503, None]
    assert await serving == 0


async def test_an_answer_that_has_begun_is_not_begun_again() -> None:
    serving, sent = await cut_in(START)

    assert sent == [START]
    assert serving.cancelled()


async def test_a_cancellation_from_elsewhere_is_none_of_ours() -> None:
    sent: list[Any] = []

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    guarded = Drain().around(cast("ASGIApp", app))
    receive = cast("Receive", None)
    serving = asyncio.ensure_future(guarded(SCOPE, receive, cast("Send", send)))
    await asyncio.sleep(0)
    serving.cancel()

    with pytest.raises(asyncio.CancelledError):
        await serving
    assert sent == []
