"""The table of Chat Completions' fields is complete, and true.

The fields come from the official client's types: a new release shows here what is new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from openai.types.chat import completion_create_params as typed_params

from domain.events import TextDelta
from entrypoints.http.openai.chat import wire
from entrypoints.http.openai.chat.support import FIELDS
from entrypoints.http.openai.support import Status, Table, accepted, honoured, refused
from tests.compat import fields
from tests.compat.asked import Asked
from tests.compat.test_openai_python import END
from tests.support.fake_llm import ObedientLLM
from tests.support.service import CHAT, service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence


IN_MODULE = pytest.mark.asyncio(loop_scope="module")

TYPED = fields.typed(
    typed_params.CompletionCreateParamsNonStreaming,
    typed_params.CompletionCreateParamsStreaming,
)
GIF = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
USER = {"role": "user", "content": "Hi"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
# What the model answers does not satisfy this.
NO_ONE = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 0}}}
FUNCTION = {"name": "f", "description": "Does it.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]
BREAK = {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
TEXT = [{"type": "text", "text": "Hi", **BREAK}]

SHORT: Sequence[dict[str, Any]] = [
    {"response_format": {"type": "text"}},
    {"response_format": {"type": "json_object"}},
    {"modalities": ["text", "audio"]},
    {"audio": {"voice": {"id": "v"}, "format": "wav"}},
    {"logit_bias": {"5": 1}},
    {"prediction": {"type": "content", "content": TEXT}},
    {"moderation": {"model": "m", "policy": {}}},
    {"web_search_options": {}},
    {"tools": [{"type": "custom", "custom": {"name": "c"}}]},
    {"tools": TOOLS, "tool_choice": {"type": "custom", "custom": {"name": "c"}}},
    {"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]},
    {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
    {"messages": [{"role": "assistant", "audio": {"id": "x"}}]},
    {
        "messages": [
            {
                "role": "assistant",
                "tool_calls": [{"id": "x", "type": "custom", "custom": {"name": "c"}}],
            }
        ]
    },
]
# Between them, these have every field; the first that has one shows it.
SAMPLES: Sequence[dict[str, Any]] = [
    {
        "model": "thinker",
        "messages": [
            {"role": "system", "content": TEXT, "name": "s"},
            {"role": "developer", "content": TEXT, "name": "d"},
            {"role": "user", "content": TEXT, "name": "u"},
            {
                "role": "assistant",
                "content": TEXT,
                "name": "a",
                "reasoning": "Hm.",
                "annotations": [],
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"a":1}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": TEXT},
            {"role": "assistant", "function_call": {"name": "g", "arguments": '{"a":1}'}},
            {"role": "function", "name": "g", "content": "1"},
            {"role": "assistant", "refusal": "No."},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"role": "tool", "tool_call_id": "call_x", "name": "h", "content": "1"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True, "include_obfuscation": False},
        "n": 2,
        "temperature": 0.1,
        "top_p": 0.5,
        "frequency_penalty": 0.5,
        "presence_penalty": 0.5,
        "max_completion_tokens": 5,
        "stop": ["x"],
        "seed": 1,
        "tools": TOOLS,
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "reasoning_effort": "low",
        "verbosity": "low",
        "modalities": ["text"],
        "service_tier": "auto",
        "store": True,
        "metadata": {"a": "b"},
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit", "ttl": "30m"},
        "options": {"repeat_last_n": 5},
        "repeat_penalty": 1.5,
        "top_k": 3,
        "min_p": 0.1,
        "typical_p": 0.9,
        "num_ctx": 4096,
        "keep_alive": "5m",
        "truncate": True,
        "trace_id": "t",
        "session_id": "s",
        "tags": ["t"],
        "provider": {},
        "litellm_metadata": {},
    },
    {
        "model": "thinker",
        "messages": [USER],
        "tools": [
            {"type": "function", "function": {"name": "f", "strict": True, "parameters": NO_ONE}}
        ],
        "tool_choice": "required",
    },
    {
        "model": "llama3",
        "messages": [USER],
        "logprobs": True,
        "top_logprobs": 2,
        "max_tokens": 5,
        "repetition_penalty": 1.5,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "x", "description": "An x.", "schema": SCHEMA, "strict": True},
        },
    },
    {
        "model": "viewer",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": GIF, "detail": "low"}, **BREAK}
                ],
            }
        ],
    },
    {
        "model": "thinker",
        "messages": [USER, {"role": "assistant", "content": "", "reasoning_content": "Hm."}],
        "think": "low",
        "functions": [FUNCTION],
        "function_call": {"name": "f"},
    },
    {
        "model": "thinker",
        "messages": [USER],
        "tools": TOOLS,
        "tool_choice": {"type": "function", "function": {"name": "f"}},
    },
    {
        "model": "thinker",
        "messages": [USER],
        "tools": TOOLS,
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": "f"}}],
            },
        },
    },
    *({"model": "llama3", "messages": [USER]} | short for short in SHORT),
]


def expanded(table: Table) -> Mapping[str, Status]:
    """Return the status of every path that is typed or has a row of its own."""
    rows = [path for path in table if "*" not in path]
    entries = {path: fields.entry(table, path) for path in [*TYPED, *rows]}
    return {path: found.status for path, found in entries.items() if found is not None}


STATUSES = expanded(FIELDS)


def with_status(*wanted: Status) -> list[str]:
    """Return the paths that a sample must show; what a refused one holds goes with it."""
    own = [path for path in STATUSES if STATUSES[path] is not Status.REFUSED or path in FIELDS]
    return [path for path in own if STATUSES[path] in wanted]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked() -> AsyncGenerator[Asked]:
    llm = ObedientLLM(lambda text: [TextDelta(text), END])
    async with service_of(llm) as running:
        yield Asked(llm, running, CHAT)


def test_every_field_of_the_official_client_has_a_status() -> None:
    missing = [path for path in TYPED if fields.entry(FIELDS, path) is None]

    assert missing == [], "say in chat/support.py what becomes of these"


def test_every_field_of_the_parser_has_a_status() -> None:
    known = wire.ChatCompletionRequest.__struct_fields__

    assert [name for name in known if name not in FIELDS] == []


def test_every_row_stands_for_a_field() -> None:
    stale = [path for path in FIELDS if all(fields.locate(it, path) is None for it in SAMPLES)]

    assert stale == []


@IN_MODULE
@pytest.mark.parametrize("path", with_status(Status.HONOURED, Status.EMULATED))
async def test_what_is_honoured_makes_a_difference(asked: Asked, path: str) -> None:
    await asked.notices(*fields.sample(SAMPLES, path))


@IN_MODULE
@pytest.mark.parametrize("path", with_status(Status.ACCEPTED))
async def test_what_is_accepted_makes_none(asked: Asked, path: str) -> None:
    await asked.passes_over(*fields.sample(SAMPLES, path))


@IN_MODULE
@pytest.mark.parametrize("path", with_status(Status.REFUSED))
async def test_what_is_refused_is_named(asked: Asked, path: str) -> None:
    body, way = fields.sample(SAMPLES, path)

    assert (await asked.refuses(body)).startswith(fields.param(body, way))


def test_a_gap_would_be_seen() -> None:
    table: Table = {
        "tools": honoured(),
        "tools[custom]": refused("no"),
        "messages[*].content[*].text": honoured(),
        "audio": accepted(),
    }

    covered = {path for path in TYPED if fields.entry(table, path) is not None}

    assert {"tools", "tools[custom].custom.name", "audio.voice.id"} <= covered
    assert "messages[user].content[text].text" in covered
    assert not covered & {"tools[function]", "tools[function].function.name", "messages", "n"}
