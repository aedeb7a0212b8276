from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from domain.errors import InvalidRequestError
from domain.json_schema import inline_references, plain

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
        pytest.param("#/$defs/Name", {"Name": 1}, id="no schema"),
        pytest.param("#/$defs/Name", [], id="no definitions"),
        pytest.param("#/$defs/1", [NAME], id="past the end"),
        pytest.param("#/properties/a", {}, id="another place"),
        pytest.param("#Name", {"Name": NAME | {"$anchor": "Name"}}, id="anchor"),
        pytest.param("$defs/Name", {"Name": NAME}, id="no fragment"),
        pytest.param("https://json-schema.org/draft", {}, id="another document"),
        pytest.param("https://json-schema.org/draft#", {}, id="the root of another document"),
    ],
)
def test_a_reference_to_anything_else_stays_and_is_told(reference: str, definitions: Any) -> None:
    found = plain({"items": {"$ref": reference}, "$defs": definitions})

    assert found.schema == {"items": {"$ref": reference}}
    assert found.lost == (reference,)


@pytest.mark.parametrize(
    ("reference", "meant"),
    [
        ("#/properties/a", NAME),
        ("#/properties/b/anyOf/1", {"const": 2}),
        ("#/properties/x~1y~01", {"const": "x/y~1"}),
        ("#/properties/%61", NAME),
        ("#/properties/%C3%A4", {"const": "ä"}),
        ("#/properties/", {"const": "nothing"}),
        ("https://example.com/tool.json#/properties/a", NAME),
        ("#/properties/any", {}),
        ("#/properties/none", {"not": {}}),
        ("#/properties/nested/$defs/a", {"const": "nested"}),
    ],
)
def test_a_reference_is_a_pointer_to_anywhere_in_the_schema(reference: str, meant: Any) -> None:
    properties = {
        "a": NAME,
        "b": {"anyOf": [{"const": 1}, {"const": 2}]},
        "x/y~1": {"const": "x/y~1"},
        "ä": {"const": "ä"},
        "": {"const": "nothing"},
        "any": True,
        "none": False,
        "nested": {"$defs": {"a": {"const": "nested"}}},
    }
    schema = {"$id": "https://example.com/tool.json#", "properties": properties}

    found = plain(schema | {"items": {"$ref": reference}})

    assert found.schema == schema | {"items": meant}
    assert found.lost == ()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(
            {"properties": {"a": {"$ref": "#"}}, "$defs": {"Unused": NAME}},
            {
                "properties": {"a": {"$ref": "#/$defs/root"}},
                "$defs": {"root": {"properties": {"a": {"$ref": "#/$defs/root"}}}},
            },
            id="the whole",
        ),
        pytest.param(
            {"properties": {"a": {"items": {"$ref": "#/properties/a"}}}},
            {
                "properties": {"a": {"items": {"items": {"$ref": "#/$defs/a"}}}},
                "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}},
            },
            id="a property",
        ),
        pytest.param(
            {
                "items": {"$ref": "#/definitions/a b"},
                "definitions": {
                    "a b": {"items": {"$ref": "#/definitions/a~1b"}},
                    "a/b": {"items": {"$ref": "#/definitions/a b"}, "title": "x"},
                },
            },
            {
                "items": {"items": {"items": {"$ref": "#/$defs/a_b"}, "title": "x"}},
                "$defs": {
                    "a_b": {"items": {"$ref": "#/$defs/a_1b"}},
                    "a_1b": {"items": {"$ref": "#/$defs/a_b"}, "title": "x"},
                },
            },
            id="odd names",
        ),
        pytest.param(
            {
                "$ref": "#/$defs/x/$defs/n",
                "$defs": {
                    "n": {"items": {"$ref": "#/$defs/x/$defs/n"}},
                    "x": {"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}},
                },
            },
            {
                "items": {"items": {"$ref": "#/$defs/n"}},
                "$defs": {
                    "n": {"items": {"$ref": "#/$defs/n_2"}},
                    "n_2": {"items": {"$ref": "#/$defs/n"}},
                },
            },
            id="one name twice",
        ),
    ],
)
def test_references_that_stay_lead_to_definitions_at_the_root(schema: Any, expected: Any) -> None:
    assert inline_references(schema) == expected
    assert plain(expected).lost == ()


LEAVES: st.SearchStrategy[Any] = st.sampled_from(
    [NAME, {"type": "integer"}, {"enum": ["a", 1]}, True]
)
REFERENCES: st.SearchStrategy[Any] = st.sampled_from(
    ["#", *(f"#/$defs/{name}" for name in "AB"), "#/properties/x", "#/$defs/A/properties/x"]
).map(lambda reference: {"$ref": reference})
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    LEAVES | REFERENCES,
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.fixed_dictionaries({"x": inner, "y": inner})}
    ),
    max_leaves=6,
)
OBJECTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.fixed_dictionaries({"x": SCHEMAS, "y": SCHEMAS})}
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["a", 1, None]),
    lambda inner: st.fixed_dictionaries({}, optional={"x": inner, "y": inner}),
    max_leaves=8,
)


@given(OBJECTS, OBJECTS, OBJECTS, st.lists(VALUES, min_size=1, max_size=5))
@settings(deadline=None)
def test_a_plain_schema_means_the_same(one: Any, other: Any, root: Any, values: list[Any]) -> None:
    schema = root | {"$defs": {"A": one, "B": other}}
    found = plain(schema)
    assume(not found.lost)

    try:
        before = jsonschema_rs.validator_for(schema)
    except (ValueError, jsonschema_rs.ValidationError):
        # A circle of references alone means nothing.
        reject()
    after = jsonschema_rs.validator_for(found.schema)
    for value in values:
        assert before.is_valid(value) == after.is_valid(value)


def test_a_property_may_be_called_ref() -> None:
    schema = {"properties": {"$ref": {"type": "string"}}}

    assert inline_references(schema) == schema


def test_definitions_that_double_at_every_step_end_somewhere() -> None:
    definitions = {
        f"D{n}": {"properties": {side: {"$ref": f"#/$defs/D{n + 1}"} for side in "ab"}}
        for n in range(40)
    }
    schema = {"$ref": "#/$defs/D0", "$defs": definitions | {"D40": NAME}}

    kept = inline_references(schema)["$defs"]
    assert kept
    assert kept.items() <= schema["$defs"].items()  # type: ignore[attr-defined]  # it is one


def test_a_long_chain_of_references_is_not_followed_to_its_end() -> None:
    definitions = {f"D{n}": {"items": {"$ref": f"#/$defs/D{n + 1}"}} for n in range(2000)}
    schema = {"$ref": "#/$defs/D0", "$defs": definitions | {"D2000": NAME}}

    kept = inline_references(schema)

    assert len(kept["$defs"]) > 1900
    assert kept["items"]["items"]["items"]["items"]


def test_the_schema_given_is_not_changed() -> None:
    schema = {"items": {"$ref": "#/$defs/Name"}, "$defs": {"Name": NAME}}
    before = repr(schema)

    inline_references(schema)

    assert repr(schema) == before


def test_many_schemas_become_no_larger_together_than_one() -> None:
    doubling: dict[str, Any] = {
        f"D{step}": {"items": {"a": {"$ref": f"#/$defs/D{step + 1}"}}, "not": NAME}
        | {"properties": {"a": {"$ref": f"#/$defs/D{step + 1}"}}}
        for step in range(30)
    }
    schema = {"$ref": "#/$defs/D0", "$defs": doubling | {"D30": NAME}}

    alone, among = (len(str(inline_references(schema, among=count))) for count in (1, 128))

    assert among < alone / 10


def test_what_stays_in_very_many_places_is_refused() -> None:
    inner: dict[str, Any] = {f"k{number}": {"const": number} for number in range(6000)}
    for _ in range(90):
        inner = {"a": inner}
    within = {f"p{depth}": {"$ref": "#/n" + "/a" * depth} for depth in range(90)}
    schema = {"x": [True] * 20_001, "n": inner, "properties": within}

    with pytest.raises(InvalidRequestError) as caught:
        inline_references(schema)

    assert caught.value.code == "invalid_json_schema"


def test_a_place_that_no_list_has_is_nowhere() -> None:
    reference = "#/items/" + "9" * 5000

    assert plain({"items": [NAME], "not": {"$ref": reference}}).lost == (reference,)
