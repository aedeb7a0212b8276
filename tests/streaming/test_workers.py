"""Several processes that serve as one: their limits, their figures, and how they end."""

from __future__ import annotations

import asyncio
import os
import re
import resource
import signal
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import raw_http
from tests.support.command import ROOT
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.keys import bearer, line, write
from tests.support.process import LIMIT_S, Process, started
from tests.support.scrape import Scrape
from tests.support.service import ASK, CHAT, MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from pathlib import Path

    from tests.support.fake_ollama_http import Reply, Request

STREAM = ASK | {"stream": True}
STOPPING = b'data: {"error":{"message":"The server is shutting down; try again shortly.",'
WORKER = re.compile(rb"Started server process \[(\d+)\]")
MANY = 40


class Workers:
    """Two workers before a model server; ``streams`` are to be closed by whoever opens them."""

    def __init__(self, ollama: FakeOllama, process: Process, port: int) -> None:
        self.ollama = ollama
        self.process = process
        self.port = port

    @property
    def pids(self) -> list[int]:
        """The workers that were started so far."""
        return [int(found) for found in WORKER.findall(self.process.output)]

    async def status(self, body: Any = None, path: str = CHAT, **headers: str) -> int:
        head, _ = await raw_http.fetch(self.port, path, body, headers)
        return head.status

    async def scrape(self) -> Scrape:
        _, body = await raw_http.fetch(self.port, "/metrics")
        return Scrape(body.decode())

    async def shows(self, **wanted: int) -> Scrape:
        """Return the figures once these are as wanted; what is counted comes after its answer."""
        while True:
            seen = await self.scrape()
            if all(seen.value(name) == count for name, count in wanted.items()):
                return seen


@asynccontextmanager
async def workers(folder: Path, **settings: str) -> AsyncGenerator[Workers]:
    async with (
        FakeOllama() as ollama,
        started(
            folder,
            **{"OLLAMA_URL": ollama.url, "DEFAULT_MODEL": MODEL, "WORKERS": "2", **settings},
        ) as process,
        asyncio.timeout(LIMIT_S),
    ):
        yield Workers(ollama, process, await process.port())


class Stream:
    """An answer under way; ``rest`` is what came after its head, once it has ended."""

    def __init__(self, reader: asyncio.StreamReader, head: raw_http.Head) -> None:
        self.status = head.status
        self.rest = asyncio.create_task(_rest(reader, head))


async def _rest(reader: asyncio.StreamReader, head: raw_http.Head) -> bytes | None:
    try:
        return await raw_http.read_body(reader, head)
    except (EOFError, ConnectionError):
        return None


@asynccontextmanager
async def streams(
    port: int, count: int, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[list[Stream]]:
    """Open streams, each on a connection of its own."""
    async with AsyncExitStack() as stack:
        opened: list[Stream] = []
        for _ in range(count):
            reader, writer = await raw_http.send(port, CHAT, STREAM, headers)
            stack.push_async_callback(raw_http.hang_up, writer)
            opened.append(Stream(reader, await raw_http.read_head(reader)))
        yield opened
        await asyncio.gather(*(stream.rest for stream in opened))


def endless() -> Reply:
    return streamed(text_line("a"), ending=Ending.HANG)


async def test_the_places_are_those_of_all_workers_together(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with workers(tmp_path, MAX_CONCURRENCY="3", MAX_QUEUE="9") as two:
        peak = 0

        def counted(request: Request, reply: Reply) -> Reply:
            nonlocal peak
            assert request.path == "/api/chat"
            peak = max(peak, two.ollama.open)
            return reply

        two.ollama.mischief = counted
        two.ollama.script("/api/chat", *[streamed(gate, text_line("a"), done_line())] * 3)
        asked = [asyncio.create_task(two.status(ASK)) for _ in range(12)]
        full = await two.shows(
            local_chat_running_answers=3, local_chat_queue_depth=9, http_server_active_requests=13
        )
        refused = [await two.status(ASK) for _ in range(6)]
        gate.set()
        answered = await asyncio.gather(*asked)
        seen = await two.shows(
            local_chat_running_answers=0,
            local_chat_queue_depth=0,
            gen_ai_server_request_duration_seconds_count=12,
            http_server_active_requests=1,
        )

    assert (peak, refused, answered) == (3, [429] * 6, [200] * 12)
    assert full.value("local_chat_running_answers_limit") == 3
    assert seen.value("local_chat_queue_refusals_total", error_type="queue_full") == 6
    assert seen.value("local_chat_queue_wait_seconds_count") == 12
    assert seen.value("http_server_requests_total", http_route=CHAT) == 18


async def test_a_killed_worker_is_replaced_and_its_places_are_free_again(tmp_path: Path) -> None:
    async with workers(tmp_path, MAX_CONCURRENCY=str(MANY), MAX_QUEUE="0") as two:
        two.ollama.always("/api/chat", endless())
        async with streams(two.port, MANY) as opened:
            before = await two.shows(local_chat_running_answers=MANY)
            os.kill(two.pids[0], signal.SIGKILL)
            await two.process.said(b"worker_ended")
            lost = [stream for stream in opened if await _is_lost(stream, two)]
            seen = await two.shows(local_chat_running_answers=MANY - len(lost))
            await two.process.said(b"Application startup complete", 3)
            async with streams(two.port, len(lost)) as more:
                statuses = {stream.status for stream in more}
                await two.shows(local_chat_running_answers=MANY)
                two.process.stop(signal.SIGINT)
        code = await two.process.ended()

    # The system spreads connections by chance; so uneven it is once in ten thousand times.
    assert MANY // 5 < len(lost) < MANY - MANY // 5
    assert (statuses, code) == ({200}, 0)
    assert before.value("local_chat_open_streams", transport="sse") == MANY
    assert seen.value("local_chat_open_streams", transport="sse") == MANY - len(lost)


async def _is_lost(stream: Stream, two: Workers) -> bool:
    # Whatever the system has to tell of the others has come with an answer that was asked later.
    await two.scrape()
    return stream.rest.done()


async def test_a_worker_that_cannot_be_replaced_is_replaced_later(tmp_path: Path) -> None:
    async with workers(tmp_path) as two:
        before = resource.prlimit(two.process.pid, resource.RLIMIT_NOFILE)
        # With nothing left of them, no process can be started.
        resource.prlimit(two.process.pid, resource.RLIMIT_NOFILE, (3, before[1]))
        os.kill(two.pids[0], signal.SIGKILL)
        await two.process.said(b'"next_in_s":2')
        statuses = [await two.status(ASK) for _ in range(4)]
        resource.prlimit(two.process.pid, resource.RLIMIT_NOFILE, before)
        await two.process.said(b"Application startup complete", 3)
        statuses += [await two.status(ASK) for _ in range(4)]

    assert set(statuses) == {200}
    assert b"Traceback" not in two.process.output


async def test_figures_never_go_back(tmp_path: Path) -> None:
    async with workers(tmp_path) as two:
        for _ in range(8):
            await two.status(path="/healthz")
        before = await two.shows(http_server_active_requests=1)
        os.kill(two.pids[1], signal.SIGKILL)
        await two.process.said(b"Application startup complete", 3)
        after = await two.scrape()

    counted = "http_server_requests_total"
    assert before.value(counted, http_route="/healthz") == 8
    assert after.value(counted, http_route="/healthz") == 8


async def test_the_limits_of_a_key_are_those_of_all_workers_together(tmp_path: Path) -> None:
    write(
        tmp_path,
        line("rare", "requests_per_minute=4"),
        line("brief", "tokens_per_minute=2"),
        line("narrow", "concurrency=2"),
    )
    async with workers(tmp_path, API_KEY_FILE="keys", METRICS_PUBLIC="true") as two:
        rare = [await raw_http.fetch(two.port, CHAT, ASK, bearer("rare")) for _ in range(8)]
        brief = [await two.status(ASK, **bearer("brief")) for _ in range(8)]
        two.ollama.always("/api/chat", endless())
        async with streams(two.port, 2, bearer("narrow")) as opened:
            refused = [await two.status(ASK, **bearer("narrow")) for _ in range(8)]
            two.process.stop(signal.SIGINT)

    assert [head.status for head, _ in rare] == [200] * 4 + [429] * 4
    left = [head.headers["x-ratelimit-remaining-requests"] for head, _ in rare]
    assert left == ["3", "2", "1", "0", "0", "0", "0", "0"]
    # The parent may hear of the first answer's tokens and of the second request in one moment.
    assert (brief[0], brief[2:]) == (200, [429] * 6)
    assert ([stream.status for stream in opened], refused) == ([200] * 2, [429] * 8)


async def test_sighup_changes_the_keys_of_all_workers(tmp_path: Path) -> None:
    write(tmp_path, line("old"))
    async with workers(tmp_path, API_KEY_FILE="keys", LOG_LEVEL="info") as two:
        write(tmp_path, line("new"))
        two.process.stop(signal.SIGHUP)
        await two.process.said(b"keys_loaded", 4)
        statuses = [
            [await two.status(path="/v1/models", **bearer(name)) for _ in range(8)]
            for name in ("old", "new")
        ]

    assert statuses == [[401] * 8, [200] * 8]


async def test_answers_may_finish_and_endless_ones_are_cut(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with workers(tmp_path, SHUTDOWN_GRACE_S="1", MAX_CONCURRENCY="16") as two:
        two.ollama.script("/api/chat", *[streamed(text_line("a"), gate, done_line())] * 8)
        async with streams(two.port, 8) as short:
            two.ollama.always("/api/chat", endless())
            async with streams(two.port, 8) as cut:
                two.process.stop(signal.SIGTERM)
                await _refused(two.port)
                gate.set()
        code = await two.process.ended()

    finished = [(await stream.rest or b"").endswith(b"data: [DONE]\n\n") for stream in short]
    told = [STOPPING in (await stream.rest or b"") for stream in cut]
    assert (finished, told, code) == ([True] * 8, [True] * 8, 0)
    assert b"Traceback" not in two.process.output
    assert b"worker_ended" not in two.process.output


async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    async with workers(tmp_path, SHUTDOWN_GRACE_S="3000") as two:
        two.ollama.always("/api/chat", endless())
        async with streams(two.port, 4):
            two.process.stop(signal.SIGTERM)
            await _refused(two.port)
            two.process.stop(signal.SIGTERM)
        code = await two.process.ended()

    assert code == 0


async def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    async with workers(tmp_path) as two:
        two.ollama.always("/api/chat", endless())
        async with streams(two.port, 4) as opened:
            two.process.stop(signal.SIGKILL)
        # Their output has an end when none of them lives.
        code = await two.process.ended()

    assert code == -signal.SIGKILL
    assert all([STOPPING in (await stream.rest or b"") for stream in opened])
    assert two.process.output.count(b"Finished server process") == 2
    assert b"Traceback" not in two.process.output


async def test_workers_that_cannot_start_end_it_with_3(tmp_path: Path) -> None:
    # Python runs this first of all.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\nif 'entrypoints.cli.worker' in sys.orig_argv:\n    os._exit(7)\n"
    )
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    settings = {"LLM_BACKEND": "scripted", "WORKERS": "2", "PYTHONPATH": paths}
    async with started(tmp_path, **settings) as process:
        code = await process.ended()

    assert code == 3
    assert b"worker_could_not_start" in process.output


async def test_a_script_that_cannot_be_used_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("{")
    settings = {"LLM_BACKEND": "scripted", "SCRIPT_FILE": "script", "DEFAULT_MODEL": MODEL}
    async with started(tmp_path, WORKERS="2", **settings) as process:
        code = await process.ended()

    assert code == 2
    assert process.output.count(b"  SCRIPT_FILE: ") == 1


async def test_an_address_that_is_taken_ends_it_with_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        async with started(tmp_path, LLM_BACKEND="scripted", WORKERS="2", PORT=port) as process:
            code = await process.ended()

    assert code == 3
    assert process.output.startswith(b"It cannot listen: another program listens at ")
    assert b"Traceback" not in process.output


async def test_an_address_that_other_workers_have_is_taken(tmp_path: Path) -> None:
    async with workers(tmp_path) as two:
        port = str(two.port)
        async with started(tmp_path, LLM_BACKEND="scripted", WORKERS="2", PORT=port) as process:
            code = await process.ended()

    assert code == 3


@pytest.mark.parametrize("backend", ["auto", "embedded"])
async def test_what_workers_cannot_share_is_told_at_the_start(tmp_path: Path, backend: str) -> None:
    settings = {"RESPONSE_STORE": "memory", "RECORD_FILE": "x", "LLM_BACKEND": backend}
    async with started(tmp_path, WORKERS="2", **settings) as process:
        code = await process.ended()

    assert code == 2
    told = process.output.decode()
    assert "  RESPONSE_STORE: what one of several WORKERS keeps in memory" in told
    assert "  RECORD_FILE: only one process can record or replay" in told
    assert ("  WORKERS: each would load a model of its own" in told) == (backend == "embedded")


async def _refused(port: int) -> None:
    """Wait until no worker takes connections."""
    try:
        while True:
            await raw_http.fetch(port, "/healthz")
    except (OSError, EOFError):
        pass
