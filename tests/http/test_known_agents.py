"""What coding agents send, as recorded from them on 2026-11-24; long texts are shortened.

Codex 0.169.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.models import Capability
from tests.support.fake_llm import FakeLLM, details
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.support.service import Answer, Service

RESPONSES = "/v1/responses"
CODEX_HEADERS = {
    "accept": "text/event-stream",
    "authorization": "Bearer x",
    "originator": "codex_exec",
    "user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.169.0)",
    "session-id": "01a20e14-657f-70e1-9d2c-103284449f53",
    "thread-id": "01a20e14-657f-70e1-9d2c-103284449f53",
    "x-client-request-id": "01a20e14-657f-70e1-9d2c-103284449f53",
    "x-codex-beta-features": "remote_compaction_v2",
    "x-codex-window-id": "01a20e14-657f-70e1-9d2c-103284449f53:0",
    "x-codex-turn-metadata": '{"request_kind":"turn","history_initialization":"new"}',
}


def said(role: str, text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {"type": "message", "id": f"msg_{role}", "role": role, "content": content}


def function(name: str, *arguments: str) -> dict[str, Any]:
    properties = {argument: {"type": "string"} for argument in arguments}
    parameters = {"type": "object", "properties": properties, "additionalProperties": False}
    tool = {"type": "function", "name": name, "description": f"The tool {name}."}
    return tool | {"strict": False, "parameters": parameters}


CODEX: dict[str, Any] = {
    "model": "smollm2:135m",
    "stream": True,
    "input": [
        said("developer", "You are a coding agent running in the Codex CLI."),
        said("user", "<environment_context>\n  <shell>bash</shell>\n</environment_context>"),
        said("user", "List the files"),
        {
            "type": "function_call",
            "status": "completed",
            "id": "fc_1",
            "name": "exec_command",
            "arguments": '{"cmd": "ls -1"}',
            "call_id": "call_1",
        },
        {
            "type": "function_call_output",
            "id": "fco_1",
            "call_id": "call_1",
            "output": "Process exited with code 0\nOutput:\nhello.txt\n",
        },
    ],
    "tools": [
        function("exec_command", "cmd", "workdir"),
        function("write_stdin", "chars"),
        {"type": "web_search", "external_web_access": True},
        # Those of an MCP server.
        {
            "type": "namespace",
            "name": "mcp__weather",
            "description": "Tools in the mcp__weather namespace.",
            "tools": [function("get_weather", "city")],
        },
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"summary": "auto"},
    "store": False,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "01a20e14-657f-70e1-9d2c-103284449f53",
    "client_metadata": {"session_id": "01a20e14", "x-codex-window-id": "01a20e14:0"},
}


@pytest.fixture
async def known(llm: FakeLLM) -> AsyncGenerator[Service]:
    llm.models["smollm2:135m"] = details("smollm2:135m", Capability.TOOLS)
    async with service_of(llm) as running:
        yield running


def events(answer: Answer) -> list[dict[str, Any]]:
    lines = answer.body.decode().split("\n")
    records = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    return [json.loads(record) for record in records]


async def test_codex_gets_its_turn(known: Service) -> None:
    answer = await known.ask(CODEX, RESPONSES, CODEX_HEADERS)

    assert answer.status == 200
    assert answer.headers["x-ignored-parameters"] == "tools[2]"
    first, *_, last = events(answer)
    assert (first["type"], last["type"]) == ("response.created", "response.completed")
    assert last["response"]["output"][0]["content"][0]["text"] == "Hello"


async def test_a_long_session_of_codex_goes_on(known: Service) -> None:
    # Over a mebibyte, no field is looked for that the parser does not know.
    long = CODEX["input"] + [said("user", "a" * 1_100_000)]

    answer = await known.ask(CODEX | {"input": long}, RESPONSES, CODEX_HEADERS)

    assert answer.status == 200


async def test_codex_makes_its_context_short(known: Service) -> None:
    # Its built-in provider does so, with `openai_base_url`; others ask for a summary as a turn.
    body = CODEX | {"input": [*CODEX["input"], {"type": "compaction_trigger"}]}

    answer = await known.ask(body, RESPONSES, CODEX_HEADERS)

    (made,) = events(answer)[-1]["response"]["output"]
    going_on = [*CODEX["input"][:3], made]
    assert made["type"] == "compaction"
    assert (await known.ask(CODEX | {"input": going_on}, RESPONSES, CODEX_HEADERS)).status == 200
