from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self, cast

import pytest
from litestar.exceptions import HTTPException

from entrypoints.http import errors
from entrypoints.http.disconnect import serving_task
from entrypoints.http.sse import SSEReply

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from litestar.types import Receive, Scope, Send

SCOPE = cast("Scope", {"type": "http", "method": "POST", "path": "/", "headers": []})
LIMIT_S = 10


class Words:
    """A stream of batches of words."""

    def __init__(self, *batches: Sequence[str]) -> None:
        self._batches = list(batches)
        self.closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[int, Sequence[str]]:
        if not self._batches:
            raise StopAsyncIteration
        return 0, self._batches.pop(0)

    async def aclose(self) -> None:
        self._batches.clear()
        self.closed = True


class Plain:
    """Words as they are."""

    def feed(self, _index: int, events: Sequence[str], /) -> bytes:
        return "".join(events).encode()

    def fail(self, shown: errors.Envelope) -> bytes:
        return shown.body


async def never() -> Any:
    await asyncio.Event().wait()


async def sent_by(
    words: Words, *, beats: float = 0, until: asyncio.Event | None = None
) -> list[dict[str, Any]]:
    """Return what reaches a client that takes nothing until an event; beats begin before it."""
    sent: list[dict[str, Any]] = []
    trying = asyncio.Event()

    async def send(message: dict[str, Any]) -> None:
        trying.set()
        if until is not None:
            await until.wait()
        sent.append(message)

    async def opening() -> tuple[Words, Plain]:
        if beats:
            await trying.wait()
            asyncio.get_running_loop().call_soon(until.set if until else trying.set)
        return words, Plain()

    reply = SSEReply(opening, heartbeat_after_s=beats)
    async with asyncio.timeout(LIMIT_S):
        await reply(SCOPE, cast("Receive", never), cast("Send", send))
    return sent


def kinds(sent: list[dict[str, Any]]) -> list[str]:
    return [message["type"].removeprefix("http.response.") for message in sent]


async def test_a_batch_that_gives_no_bytes_is_not_sent() -> None:
    sent = await sent_by(Words(["a"], [""], ["b"]))

    assert kinds(sent) == ["start", "body", "body", "body"]
    assert [message["body"] for message in sent[1:]] == [b"a", b"b", b""]


async def test_a_head_that_the_client_did_not_take_in_time_is_sent_again() -> None:
    sent = await sent_by(Words(["a"]), beats=0.001, until=asyncio.Event())

    assert kinds(sent)[0] == "start"
    assert kinds(sent).count("start") == 1
    assert b"a" in [message.get("body") for message in sent]


async def test_an_answer_that_begins_as_its_client_leaves_is_closed() -> None:
    words, left = Words(["a"]), asyncio.Event()
    watching, beating = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        watching.set()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(_message: dict[str, Any]) -> None:
        beating.set()
        await never()

    async def opening() -> tuple[Words, Plain]:
        await watching.wait()
        await beating.wait()
        left.set()
        return words, Plain()

    reply = SSEReply(opening, heartbeat_after_s=0.001)
    async with asyncio.timeout(LIMIT_S):
        await reply(SCOPE, cast("Receive", receive), cast("Send", send))

    assert words.closed


def test_another_failure_of_the_framework_keeps_its_words() -> None:
    shown = errors.envelope(HTTPException("No tea.", status_code=418, headers={"x-a": "b"}))

    assert (shown.status, shown.headers) == (418, {"x-a": "b"})
    assert shown.body == (
        b'{"error":{"message":"No tea.","type":"invalid_request_error","param":null,"code":null}}'
    )


async def test_requests_are_served_by_tasks() -> None:
    told: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    def outside(ask: Callable[[], object]) -> None:
        try:
            ask()
        except RuntimeError as error:
            told.set_result(error)

    asyncio.get_running_loop().call_soon(outside, serving_task)

    with pytest.raises(RuntimeError, match="served by a task"):
        raise await told
    assert serving_task() is asyncio.current_task()
