"""Several model servers under load, one of which dies."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.service import Answer, Service

PATH = "/api/chat"
CLIENTS = 24


def ask(number: int, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"Client {number}."}], **fields}


def complete(answer: Answer) -> bool:
    return answer.body.endswith(b"data: [DONE]\n\n") and b'"error"' not in answer.body


async def clients(service: Service, numbers: range) -> list[asyncio.Task[Answer]]:
    return [asyncio.create_task(service.ask(ask(n, stream=True))) for n in numbers]


async def begun(servers: list[FakeOllama], count: int) -> None:
    """Wait until so many answers are under way."""
    while sum(server.open for server in servers) < count:  # noqa: ASYNC110 - several servers
        await asyncio.sleep(0)


async def test_a_server_that_dies_takes_no_more_than_its_own_streams() -> None:
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(FakeOllama()) for _ in range(3)]
        gate = asyncio.Event()
        paced = streamed(text_line("Hel"), gate, text_line("lo") + done_line())
        for server in servers:
            server.always(PATH, paced)
        urls = ",".join(server.url for server in servers)
        service = await stack.enter_async_context(service_of(urls, max_concurrency=2 * CLIENTS))

        before = await clients(service, range(CLIENTS))
        async with asyncio.timeout(10):
            await begun(servers, CLIENTS)
            shares = [server.open for server in servers]
            await servers[1].stop()
            after = await clients(service, range(CLIENTS, 2 * CLIENTS))
            await begun([servers[0], servers[2]], 2 * CLIENTS - shares[1])
            ready = await service.ask(path="/readyz")
            gate.set()
            old, new = await asyncio.gather(*before), await asyncio.gather(*after)

    failed = [answer for answer in old if not complete(answer)]
    assert max(shares) - min(shares) <= 3
    assert len(failed) == shares[1]
    assert all(b"upstream_disconnected" in answer.body for answer in failed)
    assert all(b"[DONE]" not in answer.body for answer in failed)
    assert all(map(complete, new))
    assert ready.status == 200


async def test_a_conversation_finds_its_server_again() -> None:
    async with FakeOllama() as one, FakeOllama() as two, service_of(f"{one.url},{two.url}") as it:
        history = ask(1)["messages"]
        for turn in range(4):
            answer = await it.ask({"messages": history})
            reply = answer.json["choices"][0]["message"]["content"]
            history += [
                {"role": "assistant", "content": reply},
                {"role": "user", "content": f"Turn {turn}."},
            ]
        turns = sorted(len(server.asked(PATH)) for server in (one, two))

    assert turns == [0, 4]
