"""R33 to R36, R38: clients that leave, and more of them than there are places."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import asking, raw_http
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.service import ASK, CHAT
from tests.support.standing import STREAM

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.support.fake_ollama_http import Reply, Request
    from tests.support.standing import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = 4
LINE = 4
SETTINGS = {
    "MAX_CONCURRENCY": str(PLACES),
    "MAX_QUEUE": str(LINE),
    "QUEUE_TIMEOUT_S": "3000",
    "FIRST_TOKEN_TIMEOUT_S": "3000",
}
LIMIT_S = 10
KINDS: dict[str, tuple[str, Any]] = {
    "chat": (CHAT, ASK),
    "chat stream": (CHAT, STREAM),
    "completion": ("/v1/completions", {"prompt": "Hi"}),
    "response": ("/v1/responses", {"input": "Hi"}),
    "response stream": ("/v1/responses", {"input": "Hi", "stream": True}),
    "embedding": ("/v1/embeddings", {"input": "Hi", "model": "embedder"}),
}


class Counting:
    """Answers by a script, and counts how many answers are under way at a time."""

    def __init__(self, stand: Stand, reply: Reply) -> None:
        self.most = 0
        self._server = stand.server
        self._reply = reply

    def __call__(self, request: Request, reply: Reply) -> Reply:
        self.most = max(self.most, self._server.open)
        return self._reply if request.path == "/api/chat" else reply


@pytest.mark.parametrize("leave", [raw_http.hang_up, raw_http.reset])
@pytest.mark.parametrize("begun", [False, True], ids=["before the first byte", "midway"])
@pytest.mark.parametrize("kind", KINDS)
async def test_twenty_clients_that_leave_leave_nothing(
    stand: Stand,
    kind: str,
    begun: bool,  # noqa: FBT001 - a case
    leave: Callable[[asyncio.StreamWriter], Awaitable[None]],
) -> None:
    await stand.forget()
    path, body = KINDS[kind]
    for asked in ("/api/chat", "/api/generate", "/api/embed"):
        pieces = [text_line("a")] if begun and asked == "/api/chat" else []
        stand.server.always(asked, streamed(*pieces, ending=Ending.HANG))
    async with asyncio.timeout(LIMIT_S):
        for _ in range(20 // PLACES):
            before = len(stand.server.requests)
            clients = [await raw_http.send(stand.port, path, body) for _ in range(PLACES)]
            await stand.server.begun(before + PLACES)
            for _, writer in clients:
                await leave(writer)
            await stand.server.idle()
    await stand.forget()
    await stand.all_free(PLACES)


@pytest.mark.parametrize("leave", [raw_http.hang_up, raw_http.reset])
@pytest.mark.parametrize("at_once", [False, True], ids=["later", "at once"])
async def test_a_client_that_asked_for_more_on_its_connection_leaves_nothing(
    stand: Stand,
    at_once: bool,  # noqa: FBT001 - a case
    leave: Callable[[asyncio.StreamWriter], Awaitable[None]],
) -> None:
    await stand.forget()
    stand.server.always("/api/chat", streamed(ending=Ending.HANG))
    body = json.dumps(ASK).encode()
    first = (
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    second = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with asyncio.timeout(LIMIT_S):
        _, writer = await asyncio.open_connection("127.0.0.1", stand.port)
        writer.write(first.encode() + body + (second if at_once else b""))
        await stand.server.arrived("/api/chat", 1)
        if not at_once:
            writer.write(second)
        await leave(writer)
        await stand.server.idle()
    await stand.forget()
    await stand.all_free(PLACES)


async def test_who_leaves_the_line_never_reaches_the_model_server(stand: Stand) -> None:
    await stand.forget()
    stand.server.always("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
    first = [await raw_http.send(stand.port, CHAT, STREAM) for _ in range(PLACES)]
    async with asyncio.timeout(LIMIT_S):
        await stand.server.arrived("/api/chat", PLACES)
        left = stand.process.output.count(b'"client_disconnected"')
        for leave in (raw_http.hang_up, raw_http.reset):
            body = {"messages": [{"role": "user", "content": "from the line"}]}
            line = [await raw_http.send(stand.port, CHAT, body) for _ in range(LINE + 1)]
            # One of them finds the line full: the others stand in it.
            assert await first_status(line) == 429
            for _, writer in line:
                await leave(writer)
            left += LINE
            await stand.process.settles(
                lambda left=left: stand.process.output.count(b'"client_disconnected"') >= left  # type: ignore[misc]  # its default
            )
        stand.server.always("/api/chat", streamed(text_line("b"), done_line()))
        # The line is empty again, although no place has become free.
        waiting = asyncio.create_task(stand.ask(ASK))
        await raw_http.hang_up(first[0][1])
        assert (await waiting).status == 200
        for _, writer in first[1:]:
            await raw_http.hang_up(writer)
        await stand.server.idle()

    assert not [r for r in stand.server.requests if b"from the line" in r.body]
    await stand.forget()
    await stand.all_free(PLACES)


async def first_status(clients: Sequence[tuple[asyncio.StreamReader, object]]) -> int:
    """Return the status of whichever answer comes first."""
    reading = [asyncio.create_task(raw_http.read_head(reader)) for reader, _ in clients]
    done, rest = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    return done.pop().result().status


async def test_more_load_than_there_are_places(stand: Stand) -> None:
    await stand.forget()
    gate = asyncio.Event()
    stand.server.mischief = counting = Counting(stand, streamed(gate, text_line("a"), done_line()))
    asked = [asyncio.create_task(stand.ask(ASK)) for _ in range(30)]
    async with asyncio.timeout(LIMIT_S):
        while sum(task.done() for task in asked) < 30 - PLACES - LINE:
            await asyncio.wait(
                [task for task in asked if not task.done()], return_when=asyncio.FIRST_COMPLETED
            )
        await stand.server.arrived("/api/chat", PLACES)
        gate.set()
        answers = await asyncio.gather(*asked)

    refused = [answer for answer in answers if answer.status != 200]
    assert len(refused) == 30 - PLACES - LINE
    assert {answer.status for answer in refused} == {429}
    for answer in refused:
        assert asking.error_of(answer.json)["code"] == "queue_full"
        assert int(answer.headers["retry-after"]) >= 1
    assert counting.most == PLACES


async def test_every_answer_of_several_takes_a_place(stand: Stand) -> None:
    await stand.forget()
    stand.server.mischief = counting = Counting(stand, streamed(text_line("a"), done_line()))
    async with asyncio.timeout(LIMIT_S):
        two = [await stand.ask(ASK | {"n": 3}), await stand.ask(STREAM | {"n": 8})]
        four = await asyncio.gather(*(stand.ask(ASK | {"n": 3}) for _ in range(4)))

    assert [answer.status for answer in two] == [200, 200]
    assert {answer.status for answer in four} <= {200, 429}
    assert counting.most <= PLACES


@pytest.mark.parametrize("n", [0, -1, 129, 10**6, 1.5, "2", True])
async def test_a_number_of_answers_out_of_range_is_refused(stand: Stand, n: Any) -> None:
    await stand.forget()

    answer = await stand.ask(ASK | {"n": n})

    assert (answer.status, answer.json["error"]["param"]) == (400, "n")
    assert stand.server.requests == []
