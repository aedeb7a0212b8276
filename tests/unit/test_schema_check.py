from __future__ import annotations

from typing import Any

import pytest

from adapters.schema import RustSchemas
from domain.errors import InvalidRequestError

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "format": "email"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/Tag"}},
        "size": {"type": "number"},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"Tag": {"enum": ["a", "b"]}},
}


def fault(text: str, schema: dict[str, Any] | None = None) -> str | None:
    return RustSchemas().compile(schema or PERSON, param="response_format").fault(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"name":"x"}', id="least"),
        pytest.param(' {"name":"\\ud83d\\udc4b","tags":["a","b"],"size":1e3} \n', id="most"),
        pytest.param('{"name":"not an address"}', id="formats do not bind"),
        pytest.param('{"name":"\u2028\x7f"}', id="odd characters"),
    ],
)
def test_what_satisfies_a_schema_has_no_fault(text: str) -> None:
    assert fault(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{}", '$: "name" is a required property', id="missing"),
        pytest.param('{"name":1}', '$.name: 1 is not of type "string"', id="type"),
        pytest.param(
            '{"name":"x","tags":["a","c"]}',
            '$.tags[1]: "c" is not one of "a" or "b"',
            id="by reference",
        ),
        pytest.param(
            '{"name":"x","more":1}',
            "$: Additional properties are not allowed ('more' was unexpected)",
            id="additional",
        ),
        pytest.param("", "it is not JSON", id="nothing"),
        pytest.param("Hello", "it is not JSON", id="text"),
        pytest.param('{"name":"x"}{', "it is not JSON", id="more behind it"),
        pytest.param('{"name":"x","size":NaN}', "it is not JSON", id="NaN"),
        pytest.param('{"name":"\\ud800"}', "it is not JSON", id="half a surrogate pair"),
        pytest.param('{"name":"\ud800"}', "it is not JSON", id="what no encoding takes"),
        pytest.param("[" * 100_000, "it is not JSON", id="deep"),
    ],
)
def test_a_fault_says_where(text: str, expected: str) -> None:
    assert fault(text) == expected


def test_a_fault_is_of_bounded_length() -> None:
    found = fault('{"name":"x","tags":["' + "y" * 10_000 + '"]}')

    assert found is not None
    assert len(found) < 250


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"type": "nothing"}, id="type"),
        pytest.param({"properties": []}, id="properties"),
        pytest.param({"$ref": "#/$defs/Missing"}, id="missing definition"),
        pytest.param({"$ref": "http://127.0.0.1:9/x.json"}, id="another place"),
        pytest.param({"$ref": "file:///etc/passwd"}, id="a file"),
        pytest.param({"pattern": "("}, id="pattern"),
    ],
)
def test_what_is_no_schema_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        fault("{}", schema)

    assert (caught.value.code, caught.value.param) == ("invalid_json_schema", "response_format")
    assert caught.value.message.startswith("This is not a JSON Schema that can be used: $")


def test_a_schema_that_is_none_says_where() -> None:
    with pytest.raises(InvalidRequestError, match=r"used: \$\.properties\.a\.type: "):
        fault("{}", {"properties": {"a": {"type": "nothing"}}})


def test_older_drafts_are_understood() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "items": [{"type": "string"}],
    }

    assert fault('["a"]', schema) is None
    assert fault("[1]", schema) == '$[0]: 1 is not of type "string"'


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(x+x+)+y"])
def test_patterns_cannot_stall(pattern: str) -> None:
    assert fault('"' + "a" * 40 + '!"', {"type": "string", "pattern": pattern}) is not None


NODE = {"$ref": "#/$defs/node"}


def doubling(kind: str, steps: int) -> dict[str, Any]:
    """Return a schema of so many definitions, each of which refers to the next one twice."""
    definitions: dict[str, Any] = {
        f"d{step}": {kind: [{"$ref": f"#/$defs/d{step + 1}"}] * 2} for step in range(steps)
    }
    return {"$ref": "#/$defs/d0", "$defs": definitions | {f"d{steps}": {"type": "integer"}}}


def recursive(*branches: Any, kind: str = "anyOf") -> dict[str, Any]:
    node = {"type": "object", "properties": {"in": {kind: list(branches)}}, "required": ["in"]}
    return {**NODE, "$defs": {"node": node}}


def nested(depth: int, inner: str = "1") -> str:
    return '{"in":' * depth + inner + "}" * depth


# Without bounds, each of them would take years.
@pytest.mark.parametrize("kind", ["anyOf", "oneOf", "allOf"])
def test_a_schema_that_doubles_at_every_step_is_refused(kind: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        RustSchemas().compile(doubling(kind, 60), param="tools")

    assert (caught.value.code, caught.value.param) == ("invalid_json_schema", "tools")


@pytest.mark.parametrize(
    "schema",
    [
        *(recursive(NODE, NODE, kind=kind) for kind in ("anyOf", "oneOf", "allOf")),
        recursive({"properties": {"in": NODE}}, {"properties": {"in": NODE}, "title": "another"}),
        {"patternProperties": {"^i": {"$ref": "#"}}, "additionalProperties": {"$ref": "#"}}
        | {"properties": {"in": {"$ref": "#"}}, "type": "object"},
    ],
)
def test_a_value_that_doubles_the_work_at_every_step_is_given_up_on(schema: dict[str, Any]) -> None:
    assert fault(nested(60), schema) == "it takes too long to tell"


def test_a_value_with_very_many_faults_gets_a_short_answer() -> None:
    schema = {"items": {"anyOf": [{"const": number} for number in range(300)]}}

    assert fault("[" + ",".join(['"x"'] * 50) + "]", schema) == (
        "there are too many reasons to name one"
    )


@pytest.mark.parametrize("depth", [1, 9])
def test_a_recursive_schema_of_the_usual_size_is_held(depth: int) -> None:
    schema = recursive(NODE, {"type": "integer"}, {"type": "string"})

    assert fault(nested(depth), schema) is None
    assert str(fault(nested(depth, "null"), schema)).startswith("$.in")


@pytest.mark.parametrize(
    "pattern", [r"^(a|aa)+(?!b)\1$", r"^(?=a)(a+)+\1$(?!x)"], ids=["alternatives", "repetition"]
)
def test_a_pattern_that_tries_all_ways_through_a_text_is_stopped(pattern: str) -> None:
    texts = ",".join(['"' + "a" * 60 + 'b"'] * 3000)

    assert fault(f"[{texts}]", {"items": {"pattern": pattern}}) is not None


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"pattern": rf"\w{{900}}{number}"} for number in range(8000)]},
        {"patternProperties": {rf"[\p{{L}}]{{150}}{number}": True for number in range(300)}},
    ],
)
def test_patterns_that_are_very_large_together_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        RustSchemas().compile(schema, param="tools")

    assert caught.value.code == "invalid_json_schema"


def test_a_large_pattern_alone_is_taken() -> None:
    schema = {"pattern": r"^[\p{L}\p{N}_ -]{1,100}$", "type": "string"}

    assert fault('"Zürich"', schema) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"$anchor": "a", "items": {"$ref": "#a"}},
        {"$dynamicAnchor": "a", "items": {"$dynamicRef": "#a"}},
        {"$id": "urn:a:b", "items": {"$ref": "urn:a:c#/items"}},
        {"items": {"$id": "urn:c:d", "items": {"$ref": "#/items"}}},
    ],
)
def test_references_that_cannot_be_followed_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        RustSchemas().compile(schema, param="tools")

    assert caught.value.code == "invalid_json_schema"


def test_a_reference_may_begin_with_the_id_of_the_schema() -> None:
    schema = {
        "$id": "https://a.example/b",
        "items": {"$ref": "https://a.example/b#/$defs/n"},
        "$defs": {"n": {"type": "integer"}},
    }

    assert fault("[1]", schema) is None
    assert str(fault('["a"]', schema)).startswith("$[0]")


def test_a_property_with_the_name_of_a_keyword_is_none() -> None:
    schema = {"properties": {"$ref": {"type": "string"}, "$id": {"type": "string"}}}

    assert fault('{"$ref":"x","$id":"y"}', schema) is None
    assert fault('{"$ref":1}', schema) is not None
