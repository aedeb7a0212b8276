from __future__ import annotations

from typing import Any

import pytest

from adapters.ollama.schema import for_tool

STRING = {"type": "string"}


def of_property(schema: Any) -> Any:
    """Return what becomes of the schema of one property."""
    return for_tool({"properties": {"a": schema}})["properties"]["a"]


def test_parameters_are_an_object() -> None:
    assert for_tool({}) == {"type": "object", "properties": {}}


def test_what_ollama_keeps_stays_as_it_is() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string", "enum": ["x"], "description": "d"}},
        "required": ["a"],
    }

    assert for_tool(schema) == schema


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param({"const": 1}, {"enum": [1]}, id="const"),
        pytest.param({"oneOf": [STRING, True]}, {"anyOf": [STRING, {}]}, id="oneOf"),
        pytest.param({"anyOf": [{"const": "x"}]}, {"anyOf": [{"enum": ["x"]}]}, id="anyOf"),
        pytest.param({"oneOf": "?"}, {"oneOf": "?"}, id="oneOf that is no array"),
        pytest.param({"items": True}, {"items": {}}, id="any items"),
        pytest.param({"items": {"const": 1}}, {"items": {"enum": [1]}}, id="items"),
        pytest.param({"properties": {"b": False}}, {"properties": {"b": {}}}, id="any property"),
        pytest.param({"properties": 1}, {"properties": 1}, id="properties that are none"),
        pytest.param(True, {}, id="anything"),
    ],
)
def test_what_ollama_drops_is_written_in_what_it_keeps(given: Any, kept: Any) -> None:
    assert of_property(given) == kept


def test_references_are_replaced() -> None:
    schema = {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"const": 1}}}

    assert for_tool(schema) == {"type": "object", "properties": {"a": {"enum": [1]}}}
