"""R42 to R44, and what a process owes its operator: start, load, signals, crashes, stalls."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import signal
from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.cli.open_files import raise_limit
from entrypoints.settings import Settings
from tests.support import raw_http
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.process import LIMIT_S, started
from tests.support.responses import OPENAI, PATH
from tests.support.service import CHAT
from tests.support.standing import STREAM, Stand, standing

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20


@pytest.mark.parametrize(("streams", "tokens"), [(300, 30), (1000, 2)])
async def test_many_streams_at_once_are_all_complete(
    tmp_path: Path, streams: int, tokens: int
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4 * streams:
        pytest.skip("needs more open files than are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gate = asyncio.Event()
    # The model server of this test shares a process with the clients, and is slow to accept.
    settings = {"MAX_CONCURRENCY": str(streams), "MAX_QUEUE": "0", "CONNECT_TIMEOUT_S": "30"}
    async with standing(tmp_path, **settings) as stand, asyncio.timeout(LIMIT_S):
        words = [f"{number} " for number in range(tokens)]
        lines = [text_line(word) for word in words]
        stand.server.always("/api/chat", streamed(lines[0], gate, *lines[1:], done_line()))
        before = stand.process.resident_bytes
        clients = [await raw_http.send(stand.port, CHAT, STREAM) for _ in range(streams)]
        heads = [await raw_http.read_head(reader) for reader, _ in clients]
        # All are under way at the same time now.
        grown = stand.process.resident_bytes - before
        gate.set()
        bodies = [
            await raw_http.read_body(reader, head)
            for (reader, _), head in zip(clients, heads, strict=True)
        ]
        for _, writer in clients:
            await raw_http.hang_up(writer)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert [head.status for head in heads] == [200] * streams
    assert all(body.endswith(b"data: [DONE]\n\n") for body in bodies)
    assert all(f'"content":"{word}"'.encode() in body for body in bodies for word in words)
    assert grown < streams * MIB / 2


async def test_fifty_streams_end_in_time_when_it_is_told_to_stop(tmp_path: Path) -> None:
    gate = asyncio.Event()
    grace_s = 1
    settings = {"MAX_CONCURRENCY": "50", "SHUTDOWN_GRACE_S": str(grace_s)}
    async with standing(tmp_path, **settings) as stand, asyncio.timeout(LIMIT_S):
        short = streamed(text_line("a"), gate, done_line())
        stand.server.script("/api/chat", *[short] * 25)
        stand.server.always("/api/chat", streamed(text_line("a"), ending=Ending.HANG))
        clients = [await raw_http.send(stand.port, CHAT, STREAM) for _ in range(50)]
        heads = [await raw_http.read_head(reader) for reader, _ in clients]
        stand.process.stop(signal.SIGTERM)
        async with asyncio.timeout(grace_s + 4):
            with contextlib.suppress(OSError, EOFError):
                while (await stand.ask(path="/readyz")).status in {200, 503}:
                    pass
            gate.set()
            bodies = [
                await raw_http.read_body(reader, head)
                for (reader, _), head in zip(clients, heads, strict=True)
            ]
            for _, writer in clients:
                await raw_http.hang_up(writer)
            code = await stand.process.ended()
        await stand.server.idle()

    assert code == 0
    complete = [body for body in bodies if body.endswith(b"data: [DONE]\n\n")]
    cut = [body for body in bodies if b"server_shutting_down" in body and b"[DONE]" not in body]
    assert (len(complete), len(cut)) == (25, 25)
    assert b"Traceback" not in stand.process.output


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    acknowledged: dict[str, Any] = {}

    async def write(stand: Stand, writer: int) -> None:
        for number in range(1000):
            try:
                answer = await stand.ask({"input": f"{writer}/{number}"}, PATH, OPENAI)
            except (OSError, EOFError):
                return
            if answer.status == 200:
                acknowledged[answer.json["id"]] = answer.json

    for round_ in range(3):
        async with standing(tmp_path, MAX_QUEUE="100") as stand, asyncio.timeout(LIMIT_S):
            for id_, made in acknowledged.items():
                found = await stand.ask(path=f"{PATH}/{id_}")
                assert (found.status, found.json) == (200, made)
            wanted = len(acknowledged) + 20
            writers = [asyncio.create_task(write(stand, number)) for number in range(8)]
            await stand.process.settles(lambda wanted=wanted: len(acknowledged) >= wanted)  # type: ignore[misc]  # its default
            stand.process.stop(signal.SIGKILL)
            await asyncio.gather(*writers)
        assert len(acknowledged) >= 20 * (round_ + 1)


async def test_a_stall_of_the_event_loop_is_told(tmp_path: Path) -> None:
    async with started(tmp_path, OLLAMA_URL="127.0.0.1:9") as process, asyncio.timeout(LIMIT_S):
        await process.port()
        process.stop(signal.SIGSTOP)
        await asyncio.sleep(0.8)
        process.stop(signal.SIGCONT)
        await process.told(b"event_loop_stalled")
        line = next(
            json.loads(text)
            for text in process.output.splitlines()
            if b"event_loop_stalled" in text
        )

    assert line["level"] == "warning"
    assert line["stalled_ms"] > 500


async def test_all_the_open_files_that_may_be_are_taken(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        async with started(tmp_path, OLLAMA_URL="127.0.0.1:9") as process:
            await process.port()
            found = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert found == (hard, hard)


def test_too_few_open_files_draw_a_warning() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = raise_limit(Settings(max_queue=10**9))
    enough = raise_limit(Settings(max_concurrency=1, max_queue=0))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)

    assert few is not None
    assert "MAX_CONCURRENCY and MAX_QUEUE need 2000000116" in few
    assert enough is None
