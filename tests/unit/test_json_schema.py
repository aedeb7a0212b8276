from __future__ import annotations

from typing import Any

import pytest

from domain.json_schema import inline_references

NAME = {"type": "string"}
NODE: dict[str, Any] = {
    "type": "object",
    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
}


@pytest.mark.parametrize("key", ["$defs", "definitions"])
def test_a_reference_becomes_what_it_names(key: str) -> None:
    schema = {
        "properties": {"a": {"$ref": f"#/{key}/Name"}, "b": [{"$ref": f"#/{key}/Name"}, 1]},
        key: {"Name": NAME},
    }

    assert inline_references(schema) == {"properties": {"a": NAME, "b": [NAME, 1]}}


def test_a_reference_at_the_root_and_references_of_references_are_followed() -> None:
    schema = {"$ref": "#/$defs/A", "$defs": {"A": {"items": {"$ref": "#/$defs/B"}}, "B": NAME}}

    assert inline_references(schema) == {"items": NAME}


def test_what_stands_beside_a_reference_wins() -> None:
    schema = {
        "items": {"$ref": "#/$defs/Name", "description": "here"},
        "$defs": {"Name": NAME | {"description": "there"}},
    }

    assert inline_references(schema) == {"items": {"type": "string", "description": "here"}}


def test_a_reference_to_itself_stays_with_its_definition() -> None:
    schema = {"items": {"$ref": "#/$defs/Node"}, "$defs": {"Node": NODE}}

    assert inline_references(schema) == {"items": NODE, "$defs": {"Node": NODE}}


@pytest.mark.parametrize(
    ("reference", "definitions"),
    [
        pytest.param("#/$defs/Other", {"Name": NAME}, id="unknown name"),
        pytest.param("#/$defs/Name", {"Name": True}, id="no object"),
        pytest.param("#/$defs/Name", [], id="no definitions"),
        pytest.param("#/properties/a", {}, id="another place"),
        pytest.param("https://json-schema.org/draft", {}, id="another document"),
    ],
)
def test_a_reference_to_anything_else_stays(reference: str, definitions: Any) -> None:
    schema = {"items": {"$ref": reference}, "$defs": definitions}

    assert inline_references(schema) == schema


def test_a_property_may_be_called_ref() -> None:
    schema = {"properties": {"$ref": {"type": "string"}}}

    assert inline_references(schema) == schema


def test_definitions_that_double_at_every_step_end_somewhere() -> None:
    definitions = {
        f"D{n}": {"properties": {side: {"$ref": f"#/$defs/D{n + 1}"} for side in "ab"}}
        for n in range(40)
    }
    schema = {"$ref": "#/$defs/D0", "$defs": definitions | {"D40": NAME}}

    assert inline_references(schema)["$defs"] == definitions | {"D40": NAME}


def test_a_long_chain_of_references_is_not_followed_to_its_end() -> None:
    definitions = {f"D{n}": {"items": {"$ref": f"#/$defs/D{n + 1}"}} for n in range(2000)}
    schema = {"$ref": "#/$defs/D0", "$defs": definitions | {"D2000": NAME}}

    plain = inline_references(schema)

    assert plain["$defs"] == schema["$defs"]
    assert plain["items"]["items"]["items"]["items"]


def test_the_schema_given_is_not_changed() -> None:
    schema = {"items": {"$ref": "#/$defs/Name"}, "$defs": {"Name": NAME}}
    before = repr(schema)

    inline_references(schema)

    assert repr(schema) == before
