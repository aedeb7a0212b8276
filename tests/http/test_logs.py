"""What the log tells, and what it never tells; on the service as a process."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.support import raw_http
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import (
    done_line,
    error_line,
    failed,
    line,
    streamed,
    text_line,
    thinking_line,
    tool_line,
)
from tests.support.fake_ollama_http import Ending
from tests.support.process import started
from tests.support.service import CHAT, MODEL
from tests.support.sockets import connected

if TYPE_CHECKING:
    from pathlib import Path

MARK = "zebra"
KEY = f"{MARK}-key-of-the-service"
STRICT = {
    "type": "json_schema",
    "json_schema": {
        "name": "x",
        "strict": True,
        "schema": {"type": "object", "properties": {"a": {"type": "integer"}}},
    },
}
TOOL = {"type": "function", "function": {"name": f"{MARK}_tool"}}
REPLIES = (
    streamed(thinking_line(f"{MARK} thought"), text_line(f"{MARK} answer"), done_line()),
    streamed(tool_line((f"{MARK}_tool", {"a": f"{MARK} argument"})), done_line()),
    # An answer that breaks its schema, twice.
    streamed(text_line(f'{{"a":"{MARK} answer"}}'), done_line()),
    streamed(text_line(f'{{"a":"{MARK} answer"}}'), done_line()),
    streamed(text_line(f"{MARK} answer"), error_line(f"odd: {MARK}")),
    streamed(error_line(f"odd: /srv/{MARK}")),
    streamed(f"<html>{MARK}\n".encode()),
    failed(500, f"unable to load model: /srv/{MARK}"),
    failed(418, MARK),
)


class Served(NamedTuple):
    """What listens on a port."""

    port: int


def asking(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"{MARK} prompt"}], **fields}


BODIES = (
    asking(stream=True),
    asking(model="tools-model", tools=[TOOL]),
    asking(response_format=STRICT),
    asking(stream=True),
    asking(),
    asking(),
    asking(),
    asking(),
)
BAD: tuple[Any, ...] = (
    f'{{"{MARK}'.encode(),
    {"messages": [{"role": MARK, "content": MARK}]},
    asking(temperature=MARK),
    asking(**{f"{MARK}_field": 1}),
    {"messages": [{"role": "user", "content": MARK, f"{MARK}_field": 1}]},
    asking(user=MARK, metadata={MARK: MARK}, stop=[MARK]),
    asking(response_format={"type": MARK}),
)


@pytest.mark.parametrize("form", ["json", "console"])
async def test_no_prompt_answer_or_key_is_in_the_log_at_any_level(
    tmp_path: Path, form: str
) -> None:
    headers = {"x-api-key": KEY, "cookie": f"a={MARK}", "user-agent": MARK}
    async with (
        FakeOllama(strict=False) as server,
        started(
            tmp_path,
            OLLAMA_URL=server.url,
            DEFAULT_MODEL=MODEL,
            API_KEY=KEY,
            LOG_LEVEL="debug",
            LOG_FORMAT=form,
        ) as process,
    ):
        port = await process.port()
        server.script("/api/chat", *REPLIES)
        statuses = [
            (await raw_http.fetch(port, f"{CHAT}?q={MARK}", body, headers))[0].status
            for body in (*BODIES, *BAD)
        ]
        refused, _ = await raw_http.fetch(port, CHAT, asking(), {"x-api-key": f"{MARK}-wrong"})
        left = [raw_http.hang_up, raw_http.reset]
        for leave in left:
            _, writer = await raw_http.send(port, CHAT, asking(), headers)
            await leave(writer)
        output = process.output.decode()

    assert statuses == [200, 200, 502, 200, 502, 502, 502, 502, *([400] * 4), 200, 200, 400]
    assert refused.status == 401
    assert "request_answered" in output
    assert "request_failed" in output
    assert MARK not in output


async def test_a_bug_leaves_a_traceback_without_values(tmp_path: Path) -> None:
    # A number that no wire struct can encode shows a bug without one.
    broken = line({"content": "a"}, logprobs=[{"token": MARK, "logprob": 1e308}])
    async with FakeOllama() as server, started(tmp_path, OLLAMA_URL=server.url) as process:
        port = await process.port()
        server.script("/api/chat", streamed(broken, done_line()))
        await raw_http.fetch(port, CHAT, asking(model=MODEL, logprobs=True))
        output = process.output.decode()

    assert MARK not in output


async def test_a_request_leaves_one_line_under_its_id(tmp_path: Path) -> None:
    async with FakeOllama() as server, started(tmp_path, OLLAMA_URL=server.url) as process:
        port = await process.port()
        before, began = len(process.output), datetime.now(UTC)
        body = asking(model=MODEL)
        head, _ = await raw_http.fetch(port, CHAT, body, {"x-request-id": "mine-1"})
        missing, _ = await raw_http.fetch(port, "/nowhere")
        await raw_http.fetch(port, "/healthz")
        lines = [json.loads(text) for text in process.output[before:].splitlines()]

    times = [datetime.fromisoformat(each["timestamp"]) for each in lines]
    assert times == sorted(times)
    assert all(began <= at <= datetime.now(UTC) for at in times)
    told = [
        {k: v for k, v in each.items() if k not in {"timestamp", "elapsed_ms", "first_token_ms"}}
        for each in lines
    ]
    assert told[:2] == [
        {
            "event": "request_answered",
            "level": "info",
            "request_id": "mine-1",
            "method": "POST",
            "path": CHAT,
            "status": 200,
            "outcome": "ok",
            "model": MODEL,
            "tokens_in": 26,
            "tokens_out": 6,
            "queue_ms": 0.0,
        },
        {
            "event": "request_answered",
            "level": "info",
            "request_id": missing.headers["x-request-id"],
            "method": "GET",
            "path": "/nowhere",
            "status": 404,
            "outcome": "refused",
        },
    ]
    assert head.headers["x-request-id"] == "mine-1"
    assert 0 < lines[0]["first_token_ms"] <= lines[0]["elapsed_ms"]


async def test_the_line_tells_what_became_of_a_request(tmp_path: Path) -> None:
    async with (
        FakeOllama() as server,
        started(tmp_path, OLLAMA_URL=server.url, DEFAULT_MODEL=MODEL) as process,
    ):
        port = await process.port()
        server.script(
            "/api/chat",
            streamed(text_line("a"), done_line()),
            streamed(text_line("a"), error_line("odd")),
            streamed(text_line("a"), ending=Ending.HANG),
        )
        await raw_http.fetch(port, CHAT, asking(stream=True, n=1))
        await raw_http.fetch(port, CHAT, asking(stream=True))
        _, writer = await raw_http.send(port, CHAT, asking())
        await server.arrived("/api/chat", 3)
        await raw_http.hang_up(writer)
        await server.hung_up()
        await raw_http.fetch(port, CHAT, asking(model=f"{MARK}-model"))
        await raw_http.fetch(port, CHAT, asking(temperature="hot"))
        process.stop(signal.SIGTERM)
        await process.ended()
        lines = [json.loads(text) for text in process.output.splitlines() if text[:1] == b"{"]

    told = [
        (each["status"], each["outcome"], each.get("stream"), each.get("model"))
        for each in lines
        if each["event"] == "request_answered"
    ]
    assert told == [
        (200, "ok", True, MODEL),
        (200, "upstream_error", True, MODEL),
        (499, "client_left", None, MODEL),
        (404, "model_not_found", None, "unknown"),
        (400, "invalid_type", None, None),
    ]


async def test_a_turn_on_a_web_socket_has_a_line_of_its_own(tmp_path: Path) -> None:
    async with (
        FakeOllama() as server,
        started(tmp_path, OLLAMA_URL=server.url, DEFAULT_MODEL=MODEL) as process,
    ):
        async with connected(Served(await process.port())) as socket:
            await socket.answer()
            await socket.refusal(temperature="hot")
        process.stop(signal.SIGTERM)
        await process.ended()
        lines = [json.loads(text) for text in process.output.splitlines() if text[:1] == b"{"]

    turns = [each for each in lines if each["event"] == "turn_answered"]
    assert [(each["status"], each["outcome"], each.get("tokens_out")) for each in turns] == [
        ("completed", "ok", 6),
        ("failed", "invalid_type", None),
    ]
