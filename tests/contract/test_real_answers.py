"""A real model, held to tools and to schemas: whatever it says, it is valid.

The model is too small to answer well; its answers are held to their form alone.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
import pytest_asyncio

from adapters.llamacpp.llm import LlamaCppLLM
from adapters.system import RandomIds
from tests.support.service import MODEL, service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from tests.support.service import Service

IN_MODULE = pytest.mark.asyncio(loop_scope="module")
GUARD_S = 300

CITIES = ("Rome", "Oslo", "Lima", "Cairo", "Delhi")
ASKED = (
    "How is the weather in {}?",
    "Tell me of {} in one word.",
    "I go to {} with 3 friends; what should I pack?",
    'Is it "late" in {}? Answer {{yes}} or no.',
    "{}: größer als Zürich? \N{EARTH GLOBE EUROPE-AFRICA}",
)
PROMPTS = [text.format(city) for text in ASKED for city in CITIES]

# Rules that a grammar can hold; bounds of decimal numbers, say, it cannot, and those are checked
# afterwards where the request is strict.
CITY = {
    "type": "object",
    "properties": {"city": {"enum": [*CITIES, None]}},
    "required": ["city"],
    "additionalProperties": False,
}
TRIP = {
    "type": "object",
    "properties": {
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "note": {"type": "string", "maxLength": 8},
    },
    "required": ["days", "note"],
    "additionalProperties": False,
}
MOODS = {
    "type": "object",
    "properties": {
        "moods": {"type": "array", "items": {"$ref": "#/$defs/mood"}, "minItems": 1, "maxItems": 2},
        "sure": {"type": "boolean"},
    },
    "required": ["moods"],
    "additionalProperties": False,
    "$defs": {"mood": {"anyOf": [{"type": "number"}, {"const": "good"}, {"pattern": "^b[a-z]d$"}]}},
}
SCHEMAS: Sequence[dict[str, Any]] = (CITY, TRIP, MOODS)
TOOLS = {"get_weather": CITY, "plan_trip": TRIP}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def real() -> AsyncGenerator[Service]:
    llm = LlamaCppLLM(RandomIds(), threads=1, parallel=2, context_length=1536)
    async with service_of(llm) as running:
        yield running


async def answers(real: Service, more: Sequence[dict[str, Any]]) -> list[Any]:
    """Return the choice that each prompt gets, all asked at once."""
    bodies = [
        {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "seed": seed} | extra
        for seed, (prompt, extra) in enumerate(zip(PROMPTS, more, strict=True))
    ]
    async with asyncio.timeout(GUARD_S):
        replies = await asyncio.gather(*map(real.ask, bodies))
    assert [reply.json for reply in replies if reply.status != 200] == []
    return [reply.json["choices"][0] for reply in replies]


@IN_MODULE
async def test_a_required_tool_is_called_with_valid_arguments(real: Service) -> None:
    tools = [
        {"type": "function", "function": {"name": name, "parameters": schema}}
        for name, schema in TOOLS.items()
    ]

    choices = await answers(
        real, [{"tools": tools, "tool_choice": "required", "max_tokens": 96}] * len(PROMPTS)
    )

    assert {choice["finish_reason"] for choice in choices} == {"tool_calls"}
    for choice in choices:
        for call in choice["message"]["tool_calls"]:
            function = call["function"]
            jsonschema_rs.validate(TOOLS[function["name"]], json.loads(function["arguments"]))


@IN_MODULE
async def test_a_schema_is_satisfied(real: Service) -> None:
    # One after the other: the engine reads a prompt's beginning once while it stays the same.
    wanted = [SCHEMAS[len(SCHEMAS) * i // len(PROMPTS)] for i in range(len(PROMPTS))]

    choices = await answers(
        real,
        [
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": schema},
                },
                "max_tokens": 96,
            }
            for schema in wanted
        ],
    )

    assert {choice["finish_reason"] for choice in choices} == {"stop"}
    for schema, choice in zip(wanted, choices, strict=True):
        jsonschema_rs.validate(schema, json.loads(choice["message"]["content"]))
