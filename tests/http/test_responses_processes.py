"""Conversations that outlive the process that they began in, or wander between two."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import raw_http
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.process import LIMIT_S, started
from tests.support.responses import OPENAI, PATH
from tests.support.service import MODEL
from tests.support.valkey import ValkeyServer, program

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

ANSWERS = ("One.", "Two.", "Three.")
# What the model is told in the third turn.
CONTEXT = [
    {"role": "user", "content": "1"},
    {"role": "assistant", "content": "One."},
    {"role": "user", "content": "2"},
    {"role": "assistant", "content": "Two."},
    {"role": "user", "content": "3"},
]


@pytest.fixture
async def ollama() -> AsyncGenerator[FakeOllama]:
    async with FakeOllama() as server:
        yield server


@pytest.fixture
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[str]:
    """Give the URL of a server that processes share."""
    if program() is None:
        pytest.skip("needs valkey-server or redis-server on PATH (apt-get install redis-server)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start("--bind", "127.0.0.1", "--port", str(port))
    yield f"redis://127.0.0.1:{port}"
    server.stop()


@asynccontextmanager
async def two(folder: Path, ollama: FakeOllama, shared: str) -> AsyncGenerator[tuple[int, int]]:
    """Run two processes over what they share; yield their ports."""
    settings = {"OLLAMA_URL": ollama.url, "DEFAULT_MODEL": MODEL, "RESPONSE_STORE": shared}
    async with (
        started(folder, **settings) as one,
        started(folder, **settings) as other,
        asyncio.timeout(LIMIT_S),
    ):
        yield await one.port(), await other.port()


async def turn(port: int, text: str, previous: str | None = None, **more: Any) -> Any:
    body = {"input": text, "previous_response_id": previous, **more}
    head, answer = await raw_http.fetch(port, PATH, body, OPENAI)
    assert head.status == 200, answer
    return json.loads(answer)


async def kept(port: int, response_id: str) -> Any:
    head, answer = await raw_http.fetch(port, f"{PATH}/{response_id}")
    assert head.status == 200, answer
    return json.loads(answer)


def three_turns(ollama: FakeOllama) -> None:
    replies = (streamed(text_line(text), done_line()) for text in ANSWERS)
    ollama.script("/api/chat", *replies)


def told(ollama: FakeOllama) -> list[Any]:
    """Return the messages of each request to the model."""
    return [request.json["messages"] for request in ollama.asked("/api/chat")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_conversation_goes_on_in_a_process_that_was_started_again(
    tmp_path: Path, ollama: FakeOllama, number: signal.Signals
) -> None:
    three_turns(ollama)
    made: list[Any] = []
    for text in ("1", "2", "3"):
        async with (
            started(tmp_path, OLLAMA_URL=ollama.url, DEFAULT_MODEL=MODEL) as process,
            asyncio.timeout(LIMIT_S),
        ):
            port = await process.port()
            for before in made:
                assert await kept(port, before["id"]) == before
            made.append(await turn(port, text, made[-1]["id"] if made else None))
            process.stop(number)
            await process.ended()

    assert told(ollama)[-1] == CONTEXT
    assert (tmp_path / "data" / "responses.sqlite3").exists()


async def test_what_a_process_was_making_when_it_ended_has_failed(
    tmp_path: Path, ollama: FakeOllama
) -> None:
    ollama.script("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
    settings = {"OLLAMA_URL": ollama.url, "DEFAULT_MODEL": MODEL, "SHUTDOWN_GRACE_S": "0.1"}
    async with started(tmp_path, **settings) as process, asyncio.timeout(LIMIT_S):
        made = await turn(await process.port(), "?", background=True)
        await ollama.arrived("/api/chat")
        process.stop(signal.SIGTERM)
        code = await process.ended()
    async with started(tmp_path, **settings) as process, asyncio.timeout(LIMIT_S):
        found = await kept(await process.port(), made["id"])

    assert (made["status"], code) == ("queued", 0)
    assert (found["status"], found["error"]["code"]) == ("failed", "server_error")
    assert b"Traceback" not in process.output


async def test_a_conversation_wanders_between_processes(
    tmp_path: Path, ollama: FakeOllama, shared: str
) -> None:
    three_turns(ollama)
    async with two(tmp_path, ollama, shared) as (one, other):
        first = await turn(one, "1")
        second = await turn(other, "2", first["id"])
        third = await turn(one, "3", second["id"])

        assert await kept(other, third["id"]) == third
        await raw_http.fetch(other, f"{PATH}/{first['id']}", method="DELETE")
        gone, _ = await raw_http.fetch(one, f"{PATH}/{first['id']}")

    assert told(ollama)[-1] == CONTEXT
    assert gone.status == 404


async def test_a_response_that_one_process_makes_is_followed_at_another(
    tmp_path: Path, ollama: FakeOllama, shared: str
) -> None:
    gate = asyncio.Event()
    ollama.script("/api/chat", streamed(text_line("One"), gate, text_line("."), done_line()))
    async with two(tmp_path, ollama, shared) as (one, other):
        made = await turn(one, "1", background=True)
        path = f"{PATH}/{made['id']}"
        reader, writer = await raw_http.send(other, f"{path}?stream=true")
        head = await raw_http.read_head(reader)
        begin = await raw_http.read_chunk(reader)
        gate.set()
        rest = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)
        again = await raw_http.fetch(one, f"{path}?stream=true")

    assert b"event: response.created" in begin
    assert b"event: response.completed" in rest
    assert again[1] == begin + rest


async def test_a_response_that_one_process_makes_is_cancelled_at_another(
    tmp_path: Path, ollama: FakeOllama, shared: str
) -> None:
    gate = asyncio.Event()
    reply = streamed(text_line("a"), gate, text_line("b"), ending=Ending.HANG)
    ollama.script("/api/chat", reply)
    async with two(tmp_path, ollama, shared) as (one, other):
        made = await turn(one, "1", background=True)
        await ollama.arrived("/api/chat")
        path = f"{PATH}/{made['id']}"
        _, body = await raw_http.fetch(other, f"{path}/cancel", method="POST")
        gate.set()
        await ollama.hung_up()
        found = await kept(one, made["id"])

    assert json.loads(body)["status"] == "cancelled"
    assert found["status"] == "cancelled"


async def test_a_conversation_object_is_shared(
    tmp_path: Path, ollama: FakeOllama, shared: str
) -> None:
    three_turns(ollama)
    async with two(tmp_path, ollama, shared) as (one, other):
        _, body = await raw_http.fetch(one, "/v1/conversations", {})
        conversation = json.loads(body)["id"]
        for port, text in ((other, "1"), (one, "2"), (other, "3")):
            await turn(port, text, conversation=conversation)

    assert told(ollama)[-1] == CONTEXT
