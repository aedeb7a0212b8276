"""Golden streams: from Ollama's bytes to the client's, compared whole."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import FinishReason
from domain.errors import UpstreamError
from domain.events import Finished, TextDelta
from tests.support import raw_http
from tests.support.fake_llm import USAGE, FakeLLM
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import (
    done_line,
    encoded,
    error_line,
    line,
    streamed,
    text_line,
    thinking_line,
    tool_line,
)
from tests.support.fake_ollama_http import Ending
from tests.support.service import ASK, CHAT, service_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.support.service import Service

HEAD = (
    '{"id":"chatcmpl-2","object":"chat.completion.chunk","created":1700000000,'
    '"model":"thinker","service_tier":"default","system_fingerprint":"fp_local","choices":['
)
ROME = ("get_weather", {"city": "Rome"})
OSLO = ("get_weather", {"city": "Oslo"})
TOOLS = [{"type": "function", "function": {"name": "get_weather"}}]
STREAM = ASK | {"model": "thinker", "stream": True, "tools": TOOLS}
LIMIT_S = 10


def record(delta: str, reason: str = "null", index: int = 0) -> str:
    choice = f'"index":{index},"delta":{delta},"logprobs":null,"finish_reason":{reason}'
    return f"data: {HEAD}{{{choice}}}]}}\n\n"


ROLE = record('{"role":"assistant","content":"","refusal":null}')
THOUGHT = record('{"reasoning_content":"Hm 👋","reasoning":"Hm 👋"}')
TEXT = record('{"content":"Let me <see>."}')
DONE = "data: [DONE]\n\n"


def call(index: int, city: str) -> str:
    # Ids are counted: 1 is the request's, 2 the answer's.
    function = rf'{{"name":"get_weather","arguments":"{{\"city\":\"{city}\"}}"}}'
    entry = f'"index":{index},"function":{function},"id":"call_{3 + index}","type":"function"'
    return record(f'{{"tool_calls":[{{{entry}}}]}}')


def on_done_line(*calls: tuple[str, Mapping[str, object]]) -> bytes:
    """Return a done line that brings the calls, as some of Ollama's parsers have it."""
    last: dict[str, Any] = json.loads(done_line(completion=4))
    last["message"] |= json.loads(tool_line(*calls))["message"]
    return encoded(last) + b"\n"


END = done_line(completion=4)
CALLS: dict[str, tuple[Sequence[bytes], Sequence[str]]] = {
    "no call": ([END], []),
    "one call on its own line": ([tool_line(ROME), END], ["Rome"]),
    "one call on the done line": ([on_done_line(ROME)], ["Rome"]),
    "two calls on their own lines": ([tool_line(ROME), tool_line(OSLO), END], ["Rome", "Oslo"]),
    "parallel calls on one line": ([tool_line(ROME, OSLO), END], ["Rome", "Oslo"]),
    "parallel calls on the done line": ([on_done_line(ROME, OSLO)], ["Rome", "Oslo"]),
    "one call on its own line, one on the done line": (
        [tool_line(ROME), on_done_line(OSLO)],
        ["Rome", "Oslo"],
    ),
}
BEFORE: dict[str, tuple[Sequence[bytes], str]] = {
    "": ([], ""),
    "content": ([text_line("Let me <see>.")], TEXT),
    "thinking": ([thinking_line("Hm 👋")], THOUGHT),
    "thinking and content": (
        [thinking_line("Hm 👋"), text_line("Let me <see>.")],
        THOUGHT + TEXT,
    ),
    "thinking and content on one line": (
        [line({"thinking": "Hm 👋", "content": "Let me <see>."})],
        THOUGHT + TEXT,
    ),
}


def cases() -> Iterator[Any]:
    for before, (first_lines, first) in BEFORE.items():
        for calls, (last_lines, cities) in CALLS.items():
            reason = '"tool_calls"' if cities else '"stop"'
            records = [call(index, city) for index, city in enumerate(cities)]
            expected = ROLE + first + "".join(records) + record("{}", reason) + DONE
            yield pytest.param(
                [*first_lines, *last_lines], expected, id=f"{before}, {calls}".strip(", ")
            )


@pytest.mark.parametrize(("lines", "expected"), list(cases()))
async def test_a_golden_stream(lines: Sequence[bytes], expected: str) -> None:
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(*lines))
        answer = await service.ask(STREAM)

    assert answer.body.decode() == expected


async def test_the_head_of_a_stream(service: Service) -> None:
    answer = await service.ask(ASK | {"stream": True, "store": True})

    assert answer.status == 200
    assert {n: v for n, v in answer.headers.items() if n not in {"date", "server"}} == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        "transfer-encoding": "chunked",
        "x-request-id": "req_1",
        "x-ignored-parameters": "store",
    }


async def test_choices_interleave_as_their_tokens_arrive() -> None:
    gate = asyncio.Event()
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(text_line("a"), gate, done_line()))
        server.script("/api/chat", streamed(text_line("b"), done_line()))
        body = STREAM | {"n": 2, "tools": [], "stream_options": {"include_usage": True}}
        reader, writer = await raw_http.send(service.port, CHAT, body)
        head = await raw_http.read_head(reader)
        begun = b""
        while begun.count(b'"finish_reason":"stop"') < 1 or begun.count(b'"content":"') < 4:
            begun += await raw_http.read_chunk(reader)
        gate.set()
        rest = await raw_http.read_body(reader, head)
        await raw_http.hang_up(writer)

    chunks = [json.loads(each[6:]) for each in (begun + rest).decode().split("\n\n")[:-2]]
    told = [
        (choice["index"], choice["delta"].get("content"), choice["finish_reason"])
        for chunk in chunks
        for choice in chunk["choices"]
    ]
    assert told[:2] == [(0, "", None), (1, "", None)]
    assert sorted(told[2:-1], key=str) == [(0, "a", None), (1, "b", None), (1, None, "stop")]
    assert told[-1] == (0, None, "stop")
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-2"}
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 12
    assert (begun + rest).endswith(DONE.encode())


async def test_each_token_leaves_as_it_arrives(llm: FakeLLM, service: Service) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    texts = ["one", "two", "three"]
    steps = [
        step for gate, text in zip(gates, texts, strict=True) for step in (gate, [TextDelta(text)])
    ]
    llm.play([TextDelta("zero")], *steps, [Finished(FinishReason.STOP, USAGE)])

    async with asyncio.timeout(LIMIT_S):
        reader, writer = await raw_http.send(service.port, CHAT, ASK | {"stream": True})
        await raw_http.read_head(reader)
        chunks = [await raw_http.read_chunk(reader)]
        for gate in gates:
            gate.set()
            chunks.append(await raw_http.read_chunk(reader))
        await raw_http.hang_up(writer)

    assert [
        f'"content":"{text}"'.encode() in chunk
        for text, chunk in zip(["zero", *texts], chunks, strict=True)
    ] == [True] * 4


async def test_the_lines_of_one_read_leave_in_one_write() -> None:
    lines = text_line("a") + text_line("b") + text_line("c")
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(lines, asyncio.Event()))
        reader, writer = await raw_http.send(service.port, CHAT, STREAM)
        await raw_http.read_head(reader)
        chunk = await raw_http.read_chunk(reader)
        await raw_http.hang_up(writer)

    texts = [record(f'{{"content":"{text}"}}') for text in "abc"]
    assert chunk.decode() == ROLE + "".join(texts)


@pytest.mark.parametrize(
    ("after", "ending", "message", "code"),
    [
        pytest.param(
            [error_line("an error was encountered while running the model")],
            Ending.CLEAN,
            "The model server's engine stopped while it answered.",
            "upstream_crashed",
            id="error line",
        ),
        pytest.param(
            [],
            Ending.CLEAN,
            "The model server ended its answer before it was complete.",
            "upstream_truncated",
            id="clean end",
        ),
        pytest.param(
            [],
            Ending.CUT,
            "The model server broke the connection.",
            "upstream_disconnected",
            id="cut",
        ),
        pytest.param(
            [b"<html>\n"],
            Ending.CLEAN,
            "The model server sent something that is not an answer.",
            "upstream_garbage",
            id="garbage",
        ),
        pytest.param(
            [line({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]})],
            Ending.CLEAN,
            "The model wrote a tool call that cannot be read.",
            "tool_call_parse_error",
            id="arguments that are no object",
        ),
    ],
)
async def test_a_failure_midway_is_an_event_and_the_end(
    after: Sequence[bytes], ending: Ending, message: str, code: str
) -> None:
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(text_line("Let me <see>."), *after, ending=ending))
        answer = await service.ask(STREAM)

    error = f'"message":"{message}","type":"server_error","param":null,"code":"{code}"'
    assert answer.status == 200
    assert answer.body.decode() == ROLE + TEXT + f'data: {{"error":{{{error}}}}}\nevent: error\n\n'


async def test_tokens_that_come_together_with_a_failure_are_delivered() -> None:
    together = text_line("Let me <see>.") + error_line("odd")
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(together, ending=Ending.HANG))
        async with asyncio.timeout(LIMIT_S):
            answer = await service.ask(STREAM)
            await server.idle()

    message = "The model server failed while it answered."
    error = f'"message":"{message}","type":"server_error","param":null,"code":"upstream_error"'
    assert answer.body.decode() == ROLE + TEXT + f'data: {{"error":{{{error}}}}}\nevent: error\n\n'


async def test_a_failure_of_one_choice_ends_the_stream_of_all(
    service: Service, llm: FakeLLM
) -> None:
    llm.play([TextDelta("a")], asyncio.Event())
    llm.play([TextDelta("b")], UpstreamError("No."))

    async with asyncio.timeout(LIMIT_S):
        answer = await service.ask(ASK | {"stream": True, "n": 2})

    assert answer.body.endswith(
        b'\n\ndata: {"error":{"message":"No.","type":"server_error","param":null,"code":null}}\n'
        b"event: error\n\n"
    )
    assert all(stream.closed.is_set() for stream in llm.streams)
