"""The service as a process: how it starts, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import raw_http
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.process import LIMIT_S, started
from tests.support.service import ASK, CHAT, MODEL
from tests.support.sockets import connected

if TYPE_CHECKING:
    from pathlib import Path

STREAM = ASK | {"stream": True}
ERROR = b'data: {"error":{"message":"The server is shutting down; try again shortly.",'


@dataclass(frozen=True, slots=True)
class At:
    """Where the service is."""

    port: int


async def refused(port: int) -> None:
    """Wait until the service takes no more connections."""
    with contextlib.suppress(OSError, EOFError):
        while True:
            await raw_http.fetch(port, "/healthz")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_service_ends_at_once(tmp_path: Path, number: signal.Signals) -> None:
    async with FakeOllama() as server, started(tmp_path, OLLAMA_URL=server.url) as process:
        port = await process.port()
        head, _ = await raw_http.fetch(port, "/healthz")
        process.stop(number)
        code = await process.ended()

    assert (head.status, code) == (200, 0)
    assert b"Traceback" not in process.output


async def test_ctrl_c_ends_a_request_under_way_and_its_generation(tmp_path: Path) -> None:
    async with (
        FakeOllama() as server,
        started(tmp_path, OLLAMA_URL=server.url, DEFAULT_MODEL=MODEL) as process,
        asyncio.timeout(LIMIT_S),
    ):
        server.script("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
        port = await process.port()
        reader, writer = await raw_http.send(port, CHAT, STREAM)
        head = await raw_http.read_head(reader)
        await raw_http.read_chunk(reader)
        process.stop(signal.SIGINT)
        rest = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)
        code = await process.ended()
        await server.hung_up()

    assert code == 0
    assert rest.startswith(ERROR)
    assert b"[DONE]" not in rest
    assert b"Traceback" not in process.output


async def test_a_short_answer_may_finish_and_an_endless_one_is_cut(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with (
        FakeOllama() as server,
        started(
            tmp_path, OLLAMA_URL=server.url, DEFAULT_MODEL=MODEL, SHUTDOWN_GRACE_S="1"
        ) as process,
        asyncio.timeout(LIMIT_S),
    ):
        server.script("/api/chat", streamed(text_line("a"), gate, done_line()))
        server.script("/api/chat", streamed(text_line("b"), ending=Ending.HANG))
        port = await process.port()
        short, short_writer = await raw_http.send(port, CHAT, STREAM)
        short_head = await raw_http.read_head(short)
        endless, endless_writer = await raw_http.send(port, CHAT, STREAM)
        endless_head = await raw_http.read_head(endless)
        process.stop(signal.SIGTERM)
        await refused(port)
        gate.set()
        finished = await raw_http.read_body(short, short_head)
        cut = await raw_http.read_body(endless, endless_head)
        await raw_http.hang_up(short_writer)
        await raw_http.hang_up(endless_writer)
        code = await process.ended()

    assert finished.endswith(b"data: [DONE]\n\n")
    assert ERROR in cut
    assert b"[DONE]" not in cut
    assert code == 0


async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    async with (
        FakeOllama() as server,
        started(
            tmp_path, OLLAMA_URL=server.url, DEFAULT_MODEL=MODEL, SHUTDOWN_GRACE_S="3000"
        ) as process,
        asyncio.timeout(LIMIT_S),
    ):
        server.always("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
        port = await process.port()
        reader, writer = await raw_http.send(port, CHAT, STREAM)
        await raw_http.read_head(reader)
        async with connected(At(port)) as socket:
            await socket.create()
            await server.arrived("/api/chat", 2)
            process.stop(signal.SIGTERM)
            await refused(port)
            process.stop(signal.SIGTERM)
            await process.ended()
        await raw_http.hang_up(writer)

    assert b"Traceback" not in process.output


async def test_settings_that_cannot_be_used_are_all_told_and_end_it_with_2(
    tmp_path: Path,
) -> None:
    (tmp_path / ".env").write_text("DEFAULT_MODLE=x\n", encoding="utf-8")
    async with started(tmp_path, PORT="many", LLM_BACKEND="gpt", API_KEY="marker") as process:
        code = await process.ended()

    assert code == 2
    assert process.output.decode() == (
        "These settings cannot be used:\n"
        "  .env: unknown setting DEFAULT_MODLE; did you mean DEFAULT_MODEL?\n"
        "  PORT: expected a whole number (at least 0, at most 65535), not 'many'\n"
        "  LLM_BACKEND: expected auto, embedded, ollama, openai or scripted, not 'gpt'\n"
    )


async def test_an_address_that_is_taken_ends_it_with_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with started(tmp_path, OLLAMA_URL="localhost:9", PORT=str(port)) as process:
            code = await process.ended()

    assert code == 3
    assert b"Traceback" not in process.output
    assert process.output.decode() == (
        f"It cannot listen: another program listens at 127.0.0.1:{port}.\n"
        f"Mend it: stop it, or choose another: local-chat serve --port {port + 1}\n"
    )


async def test_the_file_in_the_working_directory_is_read(tmp_path: Path) -> None:
    async with FakeOllama() as server:
        text = f"OLLAMA_URL={server.url}/api/chat\nDEFAULT_MODEL={MODEL}\nAPI_KEY=short\n"
        (tmp_path / ".env").write_text(text, encoding="utf-8")
        async with started(tmp_path) as process:
            port = await process.port()
            refused, _ = await raw_http.fetch(port, CHAT, ASK)
            head, body = await raw_http.fetch(port, CHAT, ASK, {"x-api-key": "short"})
            output = process.output

    assert (refused.status, head.status) == (401, 200)
    assert json.loads(body)["model"] == MODEL
    assert f"the default model is '{MODEL}'".encode() in output
    assert b"Warning: API_KEY has a key of under 16 characters" in output
