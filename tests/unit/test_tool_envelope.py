from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from domain.errors import InvalidRequestError
from domain.messages import Message, Role
from domain.sampling import TEXT, JSONObjectFormat, JSONSchemaFormat, OutputFormat
from domain.tool_envelope import Envelope, as_text
from domain.tools import ToolDefinition
from tests.support import builders

WEATHER = builders.ToolDefinitionFactory.build()
TIME = ToolDefinition("get_time", None, {"properties": {}})
ROME = {"name": "get_weather", "arguments": {"city": "Rome"}}
NOW: dict[str, Any] = {"name": "get_time", "arguments": {}}
NODE = {
    "type": "object",
    "properties": {"next": {"$ref": "#/$defs/Node"}},
    "additionalProperties": False,
}
NOTHING: list[Any] = []
TREE = {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}


def envelope(
    *tools: ToolDefinition,
    may_reply: bool = False,
    parallel: bool = True,
    output: OutputFormat = TEXT,
) -> Envelope:
    return Envelope(tools or (WEATHER,), may_reply, parallel, output)


def valid(value: Any, wanted: Envelope) -> bool:
    return jsonschema_rs.validator_for(dict(wanted.schema())).is_valid(value)


def test_the_schema_of_one_forced_tool() -> None:
    assert envelope(parallel=False).schema() == {
        "type": "object",
        "properties": {
            "tool_calls": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"const": "get_weather"},
                        "arguments": {
                            "type": "object",
                            "properties": {"city": {"type": "string"}},
                            "required": ["city"],
                        },
                    },
                    "required": ["name", "arguments"],
                    "additionalProperties": False,
                },
                "minItems": 1,
                "maxItems": 1,
            }
        },
        "required": ["tool_calls"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        pytest.param({"tool_calls": [ROME]}, True, id="one"),
        pytest.param({"tool_calls": [NOW]}, True, id="the other"),
        pytest.param({"tool_calls": [ROME, NOW]}, True, id="two"),
        pytest.param({"tool_calls": []}, False, id="none"),
        pytest.param({"tool_calls": [NOW] * 9}, False, id="too many"),
        pytest.param({"tool_calls": [{"name": "get_time"}]}, False, id="no arguments"),
        pytest.param({"tool_calls": [NOW | {"name": "f"}]}, False, id="unknown"),
        pytest.param({"tool_calls": [NOW | {"name": "get_weather"}]}, False, id="incomplete"),
        pytest.param({"tool_calls": [ROME], "x": 1}, False, id="more"),
        pytest.param({"reply": "no"}, False, id="reply"),
    ],
)
def test_a_forced_envelope_holds_calls(value: Any, holds: bool) -> None:  # noqa: FBT001 - a case
    assert valid(value, envelope(WEATHER, TIME)) is holds


@pytest.mark.parametrize(
    ("output", "reply", "holds"),
    [
        pytest.param(TEXT, "hello", True, id="text"),
        pytest.param(TEXT, {}, False, id="an object where text is wanted"),
        pytest.param(JSONObjectFormat(), {"a": 1}, True, id="object"),
        pytest.param(JSONObjectFormat(), "a", False, id="text where an object is wanted"),
        pytest.param(JSONSchemaFormat("t", TREE), {"next": {"next": {}}}, True, id="schema"),
        pytest.param(JSONSchemaFormat("t", TREE), {"next": {"x": 1}}, False, id="not the schema"),
    ],
)
def test_a_reply_has_the_form_that_was_asked_for(
    output: OutputFormat,
    reply: Any,
    holds: bool,  # noqa: FBT001 - a case
) -> None:
    wanted = envelope(may_reply=True, output=output)

    assert valid({"reply": reply}, wanted) is holds
    assert valid({"tool_calls": [ROME]}, wanted)


def test_references_that_stay_find_their_target() -> None:
    deep = ToolDefinition("dig", None, TREE)
    wanted = envelope(deep, may_reply=True, output=JSONSchemaFormat("t", TREE))

    assert valid({"tool_calls": [{"name": "dig", "arguments": {"next": {}}}]}, wanted)
    assert not valid({"tool_calls": [{"name": "dig", "arguments": {"next": 1}}]}, wanted)
    assert wanted.schema()["$defs"] == {"Node": NODE}


def test_definitions_of_one_name_do_not_meet() -> None:
    leaf = {"type": "string"}
    texts, numbers, more = (
        ToolDefinition(
            name,
            None,
            {
                "properties": {"root": {"$ref": "#/$defs/Node"}},
                "required": ["root"],
                "$defs": {
                    # Equal in both, but for what its parts mean.
                    "Node": {
                        "type": "object",
                        "properties": {
                            "next": {"$ref": "#/$defs/Node"},
                            "leaf": {"$ref": "#/$defs/Leaf"},
                        },
                    },
                    "Leaf": {"anyOf": [kind, {"type": "array", "items": {"$ref": "#/$defs/Leaf"}}]},
                },
            },
        )
        for name, kind in (("texts", leaf), ("numbers", {"type": "number"}), ("more", leaf))
    )
    wanted = envelope(texts, numbers, more)

    for tool, good, bad in ((texts, "a", 1), (numbers, 1, "a"), (more, "a", 1)):
        for value, holds in ((good, True), (bad, False)):
            deep = {"root": {"next": {"next": {"leaf": value}}}}
            calls = [{"name": tool.name, "arguments": deep}]
            assert valid({"tool_calls": calls}, wanted) is holds
    assert sorted(wanted.schema()["$defs"]) == ["Leaf", "Leaf_2", "Node", "Node_2"]


@pytest.mark.parametrize(
    ("parameters", "good", "bad"),
    [
        pytest.param(
            {"properties": {"sub": {"$ref": "#"}, "n": {"type": "integer"}}},
            {"sub": {"sub": {"n": 1}}},
            {"sub": {"sub": {"n": "1"}}},
            id="the whole",
        ),
        pytest.param(
            {"properties": {"n": {"type": "integer"}, "m": {"$ref": "#/properties/n"}}},
            {"m": 1},
            {"m": "1"},
            id="a property",
        ),
        pytest.param(
            {
                "properties": {
                    "a": {"type": "object", "properties": {"a": {"$ref": "#/properties/a"}}}
                }
            },
            {"a": {"a": {"a": {}}}},
            {"a": {"a": {"a": {"a": {"a": []}}}}},
            id="a property within itself",
        ),
        pytest.param(
            {
                "$id": "https://example.com/a",
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "properties": {"a/b": {"$ref": "https://example.com/a#/$defs/a~1b"}},
                "$defs": {"a/b": {"items": {"$ref": "#/$defs/a~1b"}, "type": "array"}},
            },
            {"a/b": [[NOTHING]]},
            {"a/b": [[[1]]]},
            id="with an id",
        ),
    ],
)
def test_references_lead_where_they_led_in_the_tools_own_schema(
    parameters: dict[str, Any], good: Any, bad: Any
) -> None:
    other = ToolDefinition("other", None, {"properties": {"sub": {"$ref": "#"}, "n": True}})
    wanted = envelope(ToolDefinition("f", None, {"type": "object", **parameters}), other)

    assert valid({"tool_calls": [{"name": "f", "arguments": good}]}, wanted)
    assert not valid({"tool_calls": [{"name": "f", "arguments": bad}]}, wanted)


@pytest.mark.parametrize("reference", ["#/$defs/Gone", "#anchor", "https://example.com/a"])
def test_a_reference_that_leads_nowhere_is_refused(reference: str) -> None:
    lost = ToolDefinition("f", None, {"properties": {"a": {"$ref": reference}}})

    with pytest.raises(InvalidRequestError) as caught:
        envelope(WEATHER, lost).schema()

    assert (caught.value.code, caught.value.param) == ("invalid_json_schema", "tools")
    assert f"'{reference}'" in caught.value.message


def test_the_rule_of_a_forced_envelope() -> None:
    assert envelope().rule("TOOLS") == (
        "You can call these tools:\n"
        "TOOLS\n"
        "Call a tool now: answer with JSON of the form "
        '{"tool_calls": [{"name": <tool name>, "arguments": <its arguments>}]}.'
    )


def test_the_rule_where_a_reply_will_do() -> None:
    assert envelope(may_reply=True).rule("TOOLS") == (
        "You can call these tools:\n"
        "TOOLS\n"
        "To call a tool, answer with JSON of the form "
        '{"tool_calls": [{"name": <tool name>, "arguments": <its arguments>}]}.\n'
        'To answer without a tool, answer with JSON: {"reply": <answer>}.'
    )


def test_calls_and_results_read_as_text() -> None:
    call = builders.ToolCallFactory.build()
    text = '{"tool_calls": [{"name": "get_weather", "arguments": {"city":"Rome"}}]}'
    messages = [
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, "Let me see.", tool_calls=(call,)),
        Message(Role.ASSISTANT, tool_calls=(call,)),
        Message(Role.TOOL, "sunny", tool_call_id="call_1", tool_name="get_weather"),
        Message(Role.TOOL, "cold", tool_call_id="call_9"),
    ]

    assert as_text(messages) == (
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, f"Let me see.\n{text}"),
        Message(Role.ASSISTANT, text),
        Message(Role.USER, "The tool get_weather answered: sunny"),
        Message(Role.USER, "The tool  answered: cold"),
    )


def test_definitions_of_many_tools_are_told_apart_at_once() -> None:
    tools = [
        ToolDefinition(
            f"f{number}",
            None,
            {
                "$ref": "#/$defs/D",
                "$defs": {"D": {"not": {"$ref": "#/$defs/D"}, "title": str(number)}},
            },
        )
        for number in range(128)
    ]

    names = envelope(*tools).schema()["$defs"]

    assert list(names) == ["D", *(f"D_{number}" for number in range(2, 129))]


def test_definitions_that_cannot_be_told_apart_are_refused() -> None:
    def tool(*names: str) -> ToolDefinition:
        definitions = {name: {"not": {"$ref": f"#/$defs/{name}"}} for name in names}
        references = [{"$ref": f"#/$defs/{name}"} for name in names]
        return ToolDefinition("_".join(names), None, {"anyOf": references, "$defs": definitions})

    other = {"not": {"not": {"$ref": "#/$defs/D"}}}
    second = ToolDefinition("second", None, {"$ref": "#/$defs/D", "$defs": {"D": other}})

    with pytest.raises(InvalidRequestError) as caught:
        envelope(tool("D", "D_2", "D_2_of_2"), second).schema()

    assert (caught.value.code, caught.value.param) == ("invalid_json_schema", "tools")
