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
