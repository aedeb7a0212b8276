"""The table of Responses' fields is complete, and true.

The fields come from the official client's types: a new release shows here what is new.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from openai.types.responses import response_create_params as typed_params

from domain.chat import FinishReason, TokenLogprob
from domain.events import Finished, ReasoningDelta, TextDelta
from entrypoints.http.openai.responses import wire
from entrypoints.http.openai.responses.opaque import Sealed, seal
from entrypoints.http.openai.responses.support import FIELDS
from entrypoints.http.openai.support import Status
from tests.compat import fields
from tests.compat.asked import Asked
from tests.support.fake_llm import USAGE, ObedientLLM
from tests.support.responses import OPENAI, PATH
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence


IN_MODULE = pytest.mark.asyncio(loop_scope="module")

TYPED = fields.typed(
    typed_params.ResponseCreateParamsNonStreaming,
    typed_params.ResponseCreateParamsStreaming,
)
# What the fixture makes first.
CONVERSATION, RESPONSE, ITEM = "conv_2", "resp_4", "msg_5"
GIF = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
# What the model answers does not satisfy this.
NO_ONE = {"type": "object", "properties": {"a": {"type": "integer", "maximum": 0}}}
MORE = {"async": True, "allowed_callers": ["direct"], "defer_loading": False}
FUNCTION: dict[str, Any] = {
    "type": "function",
    "name": "f",
    "description": "Does it.",
    "parameters": SCHEMA,
    "output_schema": {},
    **MORE,
}
CUSTOM: dict[str, Any] = {
    "type": "custom",
    "name": "c",
    "description": "Takes text.",
    "format": {"type": "text"},
    **MORE,
}
GRAMMAR = {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark"}}
SPACE: dict[str, Any] = {
    "type": "namespace",
    "name": "n",
    "description": "Tools that do it.",
    "tools": [FUNCTION, CUSTOM],
}
BREAK = {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
TEXT = {"type": "input_text", "text": "Hi", **BREAK}
IMAGE = {"type": "input_image", "image_url": GIF, "detail": "low", **BREAK}
STATE = {"status": "completed"}
CALLER = {"caller": {"type": "direct"}, "namespace": "n", "async": False}


def with_input(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"model": "llama3", "input": list(items), **more}


def message(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": list(parts), **more}


def call(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "id": "x", "call_id": "call_1", "name": "f", **CALLER, **STATE, **more}


def output(kind: str, *parts: dict[str, Any]) -> dict[str, Any]:
    given = {"type": kind, "id": "y", "call_id": "call_1", "output": list(parts), **STATE}
    return given | {"caller": {"type": "direct"}, "name": "f", "namespace": "n"}


def round_of(call_: dict[str, Any], output_: dict[str, Any], model: str) -> dict[str, Any]:
    return with_input(call_, output_, message(TEXT)) | {"model": model}


def reasoning(**more: Any) -> dict[str, Any]:
    thought: dict[str, Any] = {"type": "reasoning", "id": "rs_1", "summary": [], **STATE, **more}
    said = {"type": "message", "role": "assistant", "content": "Hi"}
    return with_input(thought, said, message(TEXT))


FUNCTION_CALL = call("function_call", arguments='{"a":1}')
CUSTOM_CALL = call("custom_tool_call", input="ls")
SKIPPED = sorted(
    path[6:-1]
    for path, support in FIELDS.items()
    if re.fullmatch(r"input\[\w+\]", path) and support.status is Status.ACCEPTED
)
HOSTED_TOOLS = sorted(
    path[6:-1]
    for path, support in FIELDS.items()
    if re.fullmatch(r"tools\[\w+\]", path) and support.status is Status.REFUSED
)


# What is in items that are passed over goes with them; so it is with refused tools.
INSIDE = (
    *(f"input[{kind}]." for kind in (*SKIPPED, "configuration_update")),
    *(f"tools[{kind}]." for kind in HOSTED_TOOLS),
    *(path for path in FIELDS if path.startswith("tools.") and path != "tools.type"),
)


def skipped(kind: str) -> dict[str, Any]:
    item = {"type": kind, "id": "z"}
    if kind == "developer":
        item = {"type": "additional_tools", "role": "developer"}
    return with_input(message(TEXT), item)


# Between them, these have every field; the first that has one shows it.
SAMPLES: Sequence[dict[str, Any]] = [
    {
        "model": "thinker",
        "input": [
            message(TEXT, phase="final_answer", **STATE),
            {
                "type": "message",
                "role": "assistant",
                "id": "msg_x",
                "phase": "commentary",
                "content": [
                    {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []},
                    {"type": "refusal", "refusal": "No."},
                ],
                **STATE,
            },
        ],
        "instructions": "Be brief.",
        "store": False,
        "stream": True,
        "stream_options": {"include_obfuscation": False},
        "temperature": 0.1,
        "top_p": 0.5,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "max_output_tokens": 16,
        "max_tool_calls": 1,
        "parallel_tool_calls": False,
        "tools": [FUNCTION, CUSTOM],
        "tool_choice": "required",
        "reasoning": {
            "effort": "low",
            "summary": "auto",
            "generate_summary": "auto",
            "mode": "standard",
            "context": "auto",
        },
        "text": {"verbosity": "low", "format": {"type": "text"}},
        "truncation": "auto",
        "metadata": {"a": "b"},
        "user": "u",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
        "client_metadata": {"session_id": "s"},
        "service_tier": "auto",
        "context_management": [{"type": "compaction", "compact_threshold": 1000}],
        "access_programs": {"cyber": True},
        "background_options": {"completion_window": "24h"},
        "image": {"context_compression": "auto"},
        "trace_id": "t",
        "session_id": "s",
        "tags": ["t"],
        "provider": {},
        "litellm_metadata": {},
    },
    with_input(
        message(TEXT), include=["message.output_text.logprobs"], top_logprobs=2, model="llama3"
    ),
    with_input(message(TEXT), background=True, stream=True),
    with_input(message(TEXT), previous_response_id=RESPONSE),
    with_input(message(TEXT), conversation={"id": CONVERSATION}, store=False),
    with_input(message(TEXT), text={"format": {"type": "json_object"}}),
    with_input(
        message(TEXT),
        text={
            "format": {
                "type": "json_schema",
                "name": "x",
                "description": "An x.",
                "schema": SCHEMA,
            }
        },
    ),
    with_input(message(IMAGE)) | {"model": "viewer"},
    round_of(FUNCTION_CALL, output("function_call_output", TEXT, IMAGE), "viewer"),
    round_of(CUSTOM_CALL, output("custom_tool_call_output", TEXT, IMAGE), "viewer"),
    reasoning(summary=[{"type": "summary_text", "text": "Hm."}]),
    reasoning(content=[{"type": "reasoning_text", "text": "Hm."}]),
    reasoning(encrypted_content=seal(Sealed.THOUGHT, "Hm.")),
    with_input(
        {"type": "compaction", "id": "c", "encrypted_content": seal(Sealed.SUMMARY, "Hm.")},
        message(TEXT),
    ),
    with_input(message(TEXT), tools=[FUNCTION, FUNCTION | {"name": "g"}])
    | {"model": "thinker", "tool_choice": {"type": "function", "name": "f"}},
    with_input(message(TEXT), tools=[FUNCTION, CUSTOM])
    | {"model": "thinker", "tool_choice": {"type": "custom", "name": "c"}},
    with_input(message(TEXT), tools=[FUNCTION, CUSTOM])
    | {
        "model": "thinker",
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "f"}],
        },
    },
    with_input(message(TEXT), {"type": "compaction_trigger", "id": "t"}),
    {"prompt": {"id": "p"}, "input": "Hi"},
    {"moderation": {"model": "m"}, "input": "Hi"},
    with_input({"type": "configuration_update"}),
    with_input(message({"type": "input_file", "filename": "x"})),
    with_input(message({"type": "input_image", "file_id": "f"})),
    *(
        with_input(kind, output(f"{kind['type']}_output", part), message(TEXT))
        for kind in (FUNCTION_CALL, CUSTOM_CALL)
        for part in ({"type": "input_file"}, {"type": "input_image", "file_id": "f"})
    ),
    with_input(
        message(TEXT),
        tools=[GRAMMAR],
    ),
    *(
        with_input(message(TEXT), tools=[SPACE | {"tools": [tool]}], model="thinker")
        for tool in (FUNCTION, CUSTOM, GRAMMAR)
    ),
    *(with_input(message(TEXT), tools=[{"type": kind}]) for kind in HOSTED_TOOLS),
    *(
        with_input(message(TEXT), tools=[FUNCTION], tool_choice={"type": kind})
        for kind in ("mcp", "apply_patch", "shell", "programmatic_tool_calling")
    ),
    *map(skipped, SKIPPED),
]
SEARCH = with_input(
    message(TEXT),
    tools=[
        {
            "type": "web_search",
            "filters": {},
            "search_context_size": "low",
            "search_content_types": ["text"],
            "user_location": {"type": "approximate"},
            "external_web_access": True,
        }
    ],
)
REFERENCE = with_input({"type": "item_reference", "id": ITEM}, message(TEXT))
# Fields of objects without a kind of their own would be found in those of another kind.
SHOWN: Mapping[str, dict[str, Any]] = {
    **{path: SEARCH for path in FIELDS if path.startswith("tools.")},
    "tool_choice.type": with_input(
        message(TEXT), tools=[FUNCTION], tool_choice={"type": "web_search_preview"}
    ),
    "input.id": REFERENCE,
    "input.type": REFERENCE,
    "include": SAMPLES[1],
    "text.format": with_input(message(TEXT), text={"format": {"type": "json_object"}}),
    "tools[function].strict": with_input(
        message(TEXT),
        model="thinker",
        tool_choice="required",
        tools=[{"type": "function", "name": "f", "strict": True, "parameters": NO_ONE}],
    ),
    "tools[namespace].tools[function].strict": with_input(
        message(TEXT),
        model="thinker",
        tool_choice="required",
        tools=[
            SPACE
            | {"tools": [{"type": "function", "name": "f", "strict": True, "parameters": NO_ONE}]}
        ],
    ),
    "text.format[json_schema].strict": with_input(
        message(TEXT),
        text={"format": {"type": "json_schema", "name": "x", "schema": NO_ONE, "strict": True}},
    ),
}


def rows(*wanted: Status) -> list[str]:
    """Return the paths that a sample must show; what is in them goes with them."""
    paths = dict.fromkeys([*TYPED, *(path for path in FIELDS if "*" not in path)])
    return [
        path
        for path in paths
        if fields.has_row(FIELDS, path)
        and not path.startswith(INSIDE)
        and "[input_file]." not in path
        and status_of(path) in wanted
    ]


def status_of(path: str) -> Status | None:
    found = fields.entry(FIELDS, path)
    return None if found is None else found.status


def bodies_for(path: str) -> Sequence[dict[str, Any]]:
    return [SHOWN[path]] if path in SHOWN else SAMPLES


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked() -> AsyncGenerator[Asked]:
    drawn = (TokenLogprob("t", -0.5, None),)
    end = Finished(FinishReason.STOP, USAGE)
    llm = ObedientLLM(lambda text: [ReasoningDelta("Hm."), TextDelta(text, drawn), end])
    async with service_of(llm) as running:
        await running.ask({}, "/v1/conversations")
        await running.ask({"input": "Hi"}, PATH, OPENAI)
        yield Asked(llm, running, PATH, OPENAI)


def test_every_field_of_the_official_client_has_a_status() -> None:
    missing = [path for path in TYPED if fields.entry(FIELDS, path) is None]

    assert missing == [], "say in responses/support.py what becomes of these"


def test_every_field_of_the_parser_has_a_status() -> None:
    known = wire.ResponsesRequest.__struct_fields__

    assert [name for name in known if name not in FIELDS] == []


def test_every_row_stands_for_a_field() -> None:
    bodies = [*SAMPLES, *SHOWN.values()]
    stale = [path for path in FIELDS if all(fields.locate(it, path) is None for it in bodies)]

    assert stale == []


@IN_MODULE
@pytest.mark.parametrize("path", rows(Status.HONOURED, Status.EMULATED))
async def test_what_is_honoured_makes_a_difference(asked: Asked, path: str) -> None:
    await asked.notices(*fields.sample(bodies_for(path), path))


@IN_MODULE
@pytest.mark.parametrize("path", rows(Status.ACCEPTED))
async def test_what_is_accepted_makes_none(asked: Asked, path: str) -> None:
    await asked.passes_over(*fields.sample(bodies_for(path), path))


@IN_MODULE
@pytest.mark.parametrize("path", rows(Status.REFUSED))
async def test_what_is_refused_is_named(asked: Asked, path: str) -> None:
    body, way = fields.sample(bodies_for(path), path)

    assert (await asked.refuses(body)).startswith(fields.param(body, way))
