"""What coding agents send, as recorded from them on 2026-11-24; long texts are shortened.

Codex 0.169 and 0.117, opencode 1.18.33, Qwen Code 0.15.10, Cline 3.0.65, gptme 0.35.1,
mini-swe-agent 2.4.6, ShellGPT 1.5.1, Open Interpreter 0.4.3, OpenHands SDK 1.58.2, aichat 0.30.0.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from domain.models import Capability
from domain.sampling import ReasoningEffort
from tests.support.fake_llm import FakeLLM, details
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from tests.support.service import Answer, Service

Body: TypeAlias = "dict[str, Any]"

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
MODEL = "smollm2:135m"
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
    "model": MODEL,
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
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}
TASK = {"role": "user", "content": "List the files"}
SYSTEM = {"role": "system", "content": "You are a coding agent."}


def parts(text: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": text}]


def chat_tool(name: str, *arguments: str) -> Body:
    tool = function(name, *arguments)
    return {"type": "function", "function": {key: tool[key] for key in tool if key != "type"}}


def called(name: str, arguments: str, **more: Any) -> Body:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return {"role": "assistant", "tool_calls": [call], **more}


def returned(content: str | list[dict[str, str]], **more: Any) -> Body:
    return {"role": "tool", "tool_call_id": "call_1", "content": content, **more}


CHATS: Mapping[str, Body] = {
    "opencode": {
        "messages": [
            SYSTEM,
            TASK,
            called("bash", '{"command":"ls -1"}', content=""),
            returned("hello.txt\n"),
            {"role": "assistant", "content": "There is hello.txt.", "reasoning_content": ""},
            TASK,
        ],
        "tools": [chat_tool("bash", "command"), chat_tool("edit", "filePath")],
        "tool_choice": "auto",
        "max_tokens": 4096,
        **WITH_USAGE,
    },
    "qwen code": {
        "messages": [
            SYSTEM,
            {"role": "user", "content": parts("This is the Qwen Code.")},
            {"role": "assistant", "content": "Got it. Thanks for the context!"},
            {"role": "user", "content": parts("List the files")},
            called("run_shell_command", '{"command":"ls -1"}', content=None),
            returned(parts("Command: ls -1\nOutput: hello.txt")),
        ],
        "tools": [chat_tool("run_shell_command", "command"), chat_tool("tool_search", "query")],
        "max_tokens": 8000,
        **WITH_USAGE,
    },
    "cline": {
        "messages": [
            SYSTEM,
            TASK,
            called("run_commands", '{"commands":["ls -1"]}', content=None),
            returned('[{"query":"ls -1","result":"hello.txt\\n","success":true}]'),
        ],
        "tools": [chat_tool("run_commands", "commands"), chat_tool("apply_patch", "input")],
        "tool_choice": "auto",
        "max_tokens": 32000,
        "reasoning_effort": "high",
        **WITH_USAGE,
    },
    "gptme": {
        "messages": [
            {"role": "system", "content": parts("You are gptme v0.35.1.")},
            {"role": "system", "content": parts("# System Prompt Cache Boundary")},
            {"role": "user", "content": parts("List the files")},
        ],
        "tools": [chat_tool("shell", "command"), chat_tool("ipython", "code")],
        "temperature": 0.0,
        "top_p": 0.1,
        **WITH_USAGE,
    },
    "mini-swe-agent": {
        "messages": [
            SYSTEM,
            TASK,
            called("bash", '{"command": "ls -1"}', annotations=[]),
            returned('{\n  "returncode": 0,\n  "output": "hello.txt\\n"\n}'),
        ],
        "tools": [chat_tool("bash", "command")],
    },
    "openhands": {
        "messages": [
            {"role": "system", "content": parts("You are OpenHands agent.")},
            {"role": "user", "content": parts("List the files")},
            called("terminal", '{"command": "ls -1", "security_risk": "LOW"}'),
            returned(parts("hello.txt\n[Command finished with exit code 0]")),
        ],
        "tools": [
            chat_tool("terminal", "command", "security_risk"),
            chat_tool("finish", "message"),
        ],
        "max_completion_tokens": 16384,
        "prompt_cache_key": "c889c392-741b-4ada-8a71-be045ded124d",
    },
    "aichat": {
        "messages": [
            TASK,
            called("ls_files", '{"path":"."}'),
            returned('{"output":"hello.txt\\n"}'),
        ],
        "tools": [chat_tool("ls_files", "path")],
        "stream": True,
    },
    "shellgpt": {
        "messages": [
            SYSTEM,
            TASK,
            called("execute_shell_command", '{"shell_command": "ls -1"}', content=None),
            returned("Exit code: 0, Output:\nhello.txt\n"),
        ],
        "tools": [chat_tool("execute_shell_command", "shell_command")],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "stream": True,
        "temperature": 0.0,
        "top_p": 1.0,
    },
    "open interpreter": {
        "messages": [
            SYSTEM,
            TASK,
            called("execute", '{"language": "shell", "code": "ls -1"}', content=""),
            returned("hello.txt", name="execute"),
        ],
        "tools": [chat_tool("execute", "language", "code")],
        "max_tokens": 512,
        "stream": True,
    },
}
SAID = [SYSTEM, {"role": "user", "content": [{"type": "input_text", "text": "List the files"}]}]
FUNCTION_CALL = {
    "type": "function_call",
    "call_id": "call_1",
    "name": "bash",
    "arguments": '{"command":"ls -1"}',
}
OUTPUT = {"type": "function_call_output", "call_id": "call_1", "output": "hello.txt\n"}
# Each with what the header names.
ASKED: Mapping[str, tuple[Body, str]] = {
    "opencode": (
        {
            "input": [*SAID, FUNCTION_CALL, OUTPUT],
            "tools": [function("bash", "command")],
            "tool_choice": "auto",
            "max_output_tokens": 4096,
            "store": False,
            "prompt_cache_key": "ses_df1c27fecffeQDZRs4unINqJXh",
            "stream": True,
        },
        "",
    ),
    "cline": (
        {
            "input": [*SAID, FUNCTION_CALL, OUTPUT],
            "tools": [
                {"type": "web_search"},
                {"type": "image_generation", "output_format": "png"},
                function("run_commands", "commands"),
            ],
            "tool_choice": "auto",
            "include": ["web_search_call.action.sources"],
            "truncation": "auto",
            "stream": True,
        },
        "tools[0], tools[1]",
    ),
    # It sends back what LiteLLM made of a call.
    "mini-swe-agent": (
        {
            "input": [
                SYSTEM,
                TASK,
                FUNCTION_CALL
                | {"id": "fc_1", "status": "completed"}
                | dict.fromkeys(("async_", "caller", "namespace")),
                OUTPUT,
            ],
            "tools": [function("bash", "command")],
        },
        "input[].async_",
    ),
    # So it asks a model that it takes for one of OpenAI's.
    "codex with a name that it knows": (
        CODEX
        | {
            "tools": [
                function("exec_command", "cmd"),
                {
                    "type": "custom",
                    "name": "apply_patch",
                    "description": "Edits files.",
                    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
                },
                {
                    "type": "tool_search",
                    "execution": "client",
                    "description": "Searches tools.",
                    "parameters": {"type": "object"},
                },
                {
                    "type": "web_search",
                    "external_web_access": True,
                    "search_content_types": ["text", "image"],
                },
            ],
            "reasoning": {"effort": "medium"},
            "text": {"verbosity": "low"},
        },
        "tools[1], tools[2], tools[3]",
    ),
}


@pytest.fixture
async def known(llm: FakeLLM) -> AsyncGenerator[Service]:
    llm.models[MODEL] = details(MODEL, Capability.TOOLS, Capability.THINKING)
    async with service_of(llm) as running:
        yield running


def events(answer: Answer) -> list[dict[str, Any]]:
    lines = answer.body.decode().split("\n")
    records = [line.removeprefix("data: ") for line in lines if line.startswith("data: {")]
    return [json.loads(record) for record in records]


@pytest.mark.parametrize("agent", CHATS)
async def test_what_agents_chat_with_is_answered(known: Service, agent: str) -> None:
    answer = await known.ask({"model": MODEL, **CHATS[agent]}, CHAT)

    assert answer.status == 200
    assert "x-ignored-parameters" not in answer.headers
    if CHATS[agent].get("stream"):
        deltas = [chunk["choices"][0]["delta"] for chunk in events(answer) if chunk["choices"]]
        text = "".join(delta.get("content") or "" for delta in deltas)
    else:
        text = answer.json["choices"][0]["message"]["content"]
    assert text == "Hello"


@pytest.mark.parametrize("agent", ASKED)
async def test_what_agents_ask_responses_with_is_answered(known: Service, agent: str) -> None:
    body, ignored = ASKED[agent]

    answer = await known.ask({"model": MODEL, **body}, RESPONSES)

    assert answer.status == 200
    assert answer.headers.get("x-ignored-parameters", "") == ignored
    response = events(answer)[-1]["response"] if body.get("stream") else answer.json
    assert response["output"][0]["content"][0]["text"] == "Hello"


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


async def test_an_older_codex_makes_its_context_short(known: Service, llm: FakeLLM) -> None:
    body = {
        "model": MODEL,
        "input": CODEX["input"],
        "instructions": "You are a coding agent running in the Codex CLI.",
        "tools": CODEX["tools"],
        "parallel_tool_calls": False,
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"verbosity": "low"},
    }

    answer = await known.ask(body, "/v1/responses/compact", CODEX_HEADERS)

    assert answer.status == 200
    assert [item["type"] for item in answer.json["output"]] == ["compaction"]
    assert answer.headers["x-ignored-parameters"] == "tools, parallel_tool_calls, text"
    assert (llm.requests[0].tools, llm.requests[0].reasoning) == ((), ReasoningEffort.LOW)
