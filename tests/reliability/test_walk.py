"""Each route, interrupted at each step that the model server takes: nothing is left of it.

A step is a piece of an answer of the model server that comes, or does not. At each in turn the
client goes away, or the model server does, until a request has no more steps.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import asking, raw_http
from tests.support.asking import Outcome, Way
from tests.support.fake_ollama_http import Ending, Framing, Reply
from tests.support.process import LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.support.fake_ollama_http import Request
    from tests.support.standing import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACES = 2
SETTINGS = {
    "MAX_CONCURRENCY": str(PLACES),
    "ALLOW_MODEL_DELETE": "true",
    # Far longer than the test may take: nothing may depend on them.
    "FIRST_TOKEN_TIMEOUT_S": "3000",
    "IDLE_TIMEOUT_S": "3000",
    "QUEUE_TIMEOUT_S": "3000",
}
TOOLS = [{"type": "function", "function": {"name": "f"}}]


def spelled(name: str, number: int) -> str:
    """Return ``name`` in a spelling of its own: what is known of a model is kept for a while."""
    letters = iter(f"{number:032b}"[::-1])
    return "".join(c.upper() if c.isalpha() and next(letters) == "1" else c for c in name)


def with_tools(number: str) -> dict[str, Any]:
    model = spelled("tools-model", int(number))
    return asking.chat("Hi") | {"tools": TOOLS, "model": model}


def more(way: Way, **fields: Any) -> Way:
    def body(prompt: str) -> dict[str, Any]:
        return way.body(prompt) | fields

    return replace(way, body=body)


def anything(data: bytes) -> Outcome:
    return Outcome(200, str(json.loads(data)))


def model_path(number: int) -> str:
    return f"/v1/models/{spelled('tools-model', number)}"


ROUTES: dict[str, Way] = {
    **asking.WAYS,
    "chat, two": more(asking.CHAT, n=2),
    "chat stream, two": asking.TWO_CHATS,
    "chat with tools": replace(asking.CHAT, body=with_tools),
    "response, not kept": more(asking.RESPONSE, store=False),
    "completions, two": more(asking.COMPLETION, prompt=["One", "Two"]),
    "count": Way("/v1/responses/input_tokens", lambda text: {"input": text}, anything),
    "compact": Way("/v1/responses/compact", lambda text: {"input": text, "model": ""}, anything),
    "models": Way("/v1/models", lambda _: {}, anything),
    "model": Way("/v1/models/NAME", lambda _: {}, anything),
    "model, deleted": Way("/v1/models/NAME", lambda _: {}, anything),
}
METHODS = {"models": "GET", "model": "GET", "model, deleted": "DELETE"}


class _Here(asyncio.Event):
    """A gate that stays shut and tells when someone stands before it."""

    def __init__(self, reached: asyncio.Event) -> None:
        super().__init__()
        self._reached = reached

    async def wait(self) -> Any:
        self._reached.set()
        return await super().wait()


class Step:
    """Stops the model server at one step of all that it takes for a request.

    Attributes:
        reached: the server stands there.
        answered: everything that matters had come by then.
    """

    def __init__(self, number: int, *, breaks: bool) -> None:
        self.reached = asyncio.Event()
        self.answered = False
        self._number = number
        self._breaks = breaks
        self._taken = 0

    def __call__(self, _request: Request, reply: Reply) -> Reply:
        pieces = reply.pieces
        # The last piece of an answer of known size is its end; of others the end is a step.
        steps = max(1, len(pieces) + (reply.framing is Framing.CHUNKED))
        at = self._number - self._taken
        self._taken += steps
        if not 0 <= at < steps:
            return reply
        self.answered = at == len(pieces)
        if not self._breaks:
            return replace(reply, pieces=(*pieces[:at], _Here(self.reached), *pieces[at:]))
        self.reached.set()
        begun = b"".join(reply.framed(piece) for piece in pieces[:at] if isinstance(piece, bytes))
        sent = (reply.head + begun,) if at else ()
        return Reply(sent, framing=Framing.RAW, ending=Ending.RESET)


async def sent(
    stand: Stand, route: str, number: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    way = ROUTES[route]
    path = way.path.replace("/v1/models/NAME", model_path(number))
    method = METHODS.get(route)
    body = None if method else way.body(str(number))
    return await raw_http.send(stand.port, path, body, way.headers, method=method)


async def read(reader: asyncio.StreamReader, way: Way) -> Outcome:
    head = await raw_http.read_head(reader)
    body = await raw_http.read_body(reader, head)
    if head.status == 200:
        return way.read(body)
    return Outcome(head.status, error=asking.error_of(json.loads(body)))


async def warmed(stand: Stand) -> int:
    """Return how many descriptors are open at rest; the store opens its files at its first use."""
    stand.server.mischief = None
    await asking.ask(stand.port, asking.RESPONSE, "Hi")
    await stand.server.drop()
    return stand.process.descriptors


@pytest.mark.parametrize("leave", [raw_http.hang_up, raw_http.reset])
@pytest.mark.parametrize("route", ROUTES)
async def test_a_client_that_leaves_at_any_step_leaves_nothing(
    stand: Stand, route: str, leave: Callable[[asyncio.StreamWriter], Awaitable[None]]
) -> None:
    descriptors = await warmed(stand)
    number = -1
    for number in count():
        stand.server.mischief = step = Step(number, breaks=False)
        async with asyncio.timeout(LIMIT_S):
            reader, writer = await sent(stand, route, number)
            reading = asyncio.create_task(read(reader, ROUTES[route]))
            reaching = asyncio.create_task(step.reached.wait())
            await asyncio.wait((reading, reaching), return_when=asyncio.FIRST_COMPLETED)
            over = not step.reached.is_set()
            reading.cancel()
            reaching.cancel()
            await asyncio.gather(reading, reaching, return_exceptions=True)
            await leave(writer)
            await stand.at_rest(PLACES, descriptors)
        if over:
            break

    assert number > 0
    assert b"Traceback" not in stand.process.output


@pytest.mark.parametrize("route", ROUTES)
async def test_a_server_that_leaves_at_any_step_leaves_an_honest_error(
    stand: Stand, route: str
) -> None:
    descriptors = await warmed(stand)
    dishonest: list[tuple[int, Outcome]] = []
    number = -1
    for number in count():
        stand.server.mischief = step = Step(number, breaks=True)
        async with asyncio.timeout(LIMIT_S):
            reader, writer = await sent(stand, route, number)
            outcome = await read(reader, ROUTES[route])
            await raw_http.hang_up(writer)
            await stand.at_rest(PLACES, descriptors)
        if not step.reached.is_set():
            break
        # One model that cannot be described does not hide the others.
        if outcome.error is None and not step.answered and route != "models":
            dishonest.append((number, outcome))

    assert number > 0
    assert dishonest == []
    assert b"Traceback" not in stand.process.output
