from __future__ import annotations

import json
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from domain.errors import InvalidRequestError
from entrypoints.http.openai.chat.wire import ChatCompletionRequest
from entrypoints.http.openai.complaints import invalid
from entrypoints.http.openai.parsing import (
    FREE_FORM_LIMIT_BYTES,
    BodyParser,
    Parsed,
    free_form,
    ignored_header,
)


class Part(Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    text: str


class Picture(Struct, tag_field="type", tag="image", forbid_unknown_fields=True):
    url: str


class Sound(Struct, tag_field="type", tag="noise"):
    supported: ClassVar[bool] = False


class Turn(Struct, forbid_unknown_fields=True):
    role: str
    parts: list[Part | Picture | Sound] | str = ""


class Body(Struct, forbid_unknown_fields=True):
    turns: list[Turn]
    schema: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    count: Annotated[int, Meta(ge=1, le=3)] | None = None
    share: Annotated[float, Meta(gt=0, lt=1)] | None = None
    words: Annotated[list[str], Meta(min_length=1, max_length=2)] | None = None
    tags: (
        Annotated[
            dict[Annotated[str, Meta(max_length=2)], Annotated[str, Meta(min_length=2)]],
            Meta(max_length=1),
        ]
        | None
    ) = None
    code: Annotated[str, Meta(pattern="^[A-Z]+$")] | None = None
    mood: bool | Literal["merry", "gay"] | None = None


PARSER = BodyParser(Body, ["harmless", "also_harmless"], {"steps": "'turns'"})
TURN: dict[str, Any] = {"role": "user"}
NOTHING: dict[str, Any] = {}


def refused(body: Any) -> tuple[str, str | None, str | None]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidRequestError) as caught:
        PARSER.parse(data)
    return caught.value.message, caught.value.code, caught.value.param


def parsed(body: Any) -> Parsed[Body]:
    return PARSER.parse(json.dumps(body).encode())


def test_a_body_becomes_a_struct() -> None:
    assert parsed({"turns": [TURN]}) == Parsed(Body([Turn("user")]))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"turns": [NOTHING]},
            (
                "Missing required parameter: 'turns[0].role'.",
                "missing_required_parameter",
                "turns[0].role",
            ),
            id="missing inside",
        ),
        pytest.param(
            {},
            ("Missing required parameter: 'turns'.", "missing_required_parameter", "turns"),
            id="missing",
        ),
        pytest.param(
            {"turns": "x"},
            (
                "Invalid type for 'turns': expected an array, but got a string instead.",
                "invalid_type",
                "turns",
            ),
            id="type",
        ),
        pytest.param(
            [],
            (
                "Invalid type for the body: expected an object, but got an array instead.",
                "invalid_type",
                None,
            ),
            id="type of the body",
        ),
        pytest.param(
            {"turns": [], "count": 0},
            (
                "Invalid 'count': integer below minimum value. Expected a value >= 1.",
                "integer_below_min_value",
                "count",
            ),
            id="too small",
        ),
        pytest.param(
            {"turns": [], "count": 4},
            (
                "Invalid 'count': integer above maximum value. Expected a value <= 3.",
                "integer_above_max_value",
                "count",
            ),
            id="too large",
        ),
        pytest.param(
            {"turns": [], "share": 0},
            (
                "Invalid 'share': decimal below minimum value. Expected a value > 0.0.",
                "decimal_below_min_value",
                "share",
            ),
            id="too small a decimal",
        ),
        pytest.param(
            {"turns": [], "words": []},
            (
                "Invalid 'words': empty array. Expected at least one entry.",
                "empty_array",
                "words",
            ),
            id="empty",
        ),
        pytest.param(
            {"turns": [], "words": ["a", "b", "c"]},
            (
                "Invalid 'words': array too long. Expected a length <= 2.",
                "array_above_max_length",
                "words",
            ),
            id="too long",
        ),
        pytest.param(
            {"turns": [], "tags": {"a": "x"}},
            (
                "Invalid 'tags': string too short. Expected a length >= 2.",
                "string_below_min_length",
                "tags",
            ),
            id="value of a map",
        ),
        pytest.param(
            {"turns": [], "tags": {"abc": "xx"}},
            (
                "Invalid 'tags': string too long. Expected a length <= 2.",
                "string_above_max_length",
                "tags",
            ),
            id="key of a map",
        ),
        pytest.param(
            {"turns": [], "tags": {"a": "xx", "b": "xx"}},
            (
                "Invalid 'tags': object too long. Expected a length <= 1.",
                "object_above_max_length",
                "tags",
            ),
            id="too many keys",
        ),
        pytest.param(
            {"turns": [{"role": "user", "parts": [{"type": "sound"}]}]},
            (
                (
                    "Invalid value for 'turns[0].parts[0].type': 'sound'. "
                    "Supported values are: 'text', 'image'."
                ),
                "invalid_value",
                "turns[0].parts[0].type",
            ),
            id="unknown kind",
        ),
        pytest.param(
            {"turns": [], "unknown": 1},
            ("Unknown parameter: 'unknown'.", "unknown_parameter", "unknown"),
            id="unknown at the top",
        ),
        pytest.param(
            {"turns": [], "turn": 1},
            (
                "Unknown parameter: 'turn'. Did you mean 'turns'?",
                "unknown_parameter",
                "turn",
            ),
            id="mistyped",
        ),
        pytest.param(
            {"turns": [], "steps": 1},
            (
                "Unsupported parameter: 'steps'. On this endpoint, use 'turns'.",
                "unsupported_parameter",
                "steps",
            ),
            id="of another endpoint",
        ),
        pytest.param(
            {"turns": [], "code": "a"},
            (
                "Invalid 'code': expected a string that matches the pattern '^[A-Z]+$'.",
                "invalid_value",
                "code",
            ),
            id="pattern",
        ),
        pytest.param(
            {"turns": [], "mood": "sad"},
            (
                (
                    "Invalid value for 'mood': 'sad'. "
                    "Supported values are: 'true', 'false', 'gay', 'merry'."
                ),
                "invalid_value",
                "mood",
            ),
            id="one of a few",
        ),
        pytest.param(
            {"turns": [], "mood": 1},
            (
                (
                    "Invalid type for 'mood': expected a boolean or a string or null, "
                    "but got an integer instead."
                ),
                "invalid_type",
                "mood",
            ),
            id="type of one of a few",
        ),
    ],
)
def test_a_complaint_names_the_field(
    body: Any, expected: tuple[str, str | None, str | None]
) -> None:
    assert refused(body) == expected


def test_an_unknown_role_is_told_the_known_ones() -> None:
    error = invalid("Invalid value 'boss' - at `$.messages[1].role`", ChatCompletionRequest)

    assert error.message == (
        "Invalid value for 'messages[1].role': 'boss'. "
        "Supported values are: 'system', 'developer', 'user', 'assistant', 'tool'."
    )


def test_a_complaint_in_other_words_is_passed_on() -> None:
    error = invalid("Number out of range - at `$.count`", Body)

    assert (error.message, error.code, error.param) == (
        "Invalid 'count': Number out of range.",
        "invalid_value",
        "count",
    )


NOT_JSON = (
    (
        "The body of the request could not be parsed as JSON. "
        "It must be one UTF-8 JSON object, not nested too deeply."
    ),
    "invalid_json",
    None,
)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b'{"turns":[{"role":"\xff"}]}', id="invalid UTF-8"),
        pytest.param(b'{"turns":[],"unknown":"\xff"}', id="invalid UTF-8 where nobody looks"),
        pytest.param(b'{"turns":[],"schema":"\xff"}', id="invalid UTF-8 in a free part"),
        pytest.param(b'{"turns":[{"role":"\\ud800"}]}', id="lone surrogate"),
        pytest.param('{"turns":[]}'.encode("utf-16"), id="UTF-16"),
        pytest.param(b'{"turns":[],"schema":' + b"[" * 100_000, id="deep where nobody looks"),
        pytest.param(b'{"turns":[],"harmless":' + b'{"a":' * 100_000, id="deep and unknown"),
    ],
)
def test_what_is_not_json_is_refused(body: bytes) -> None:
    assert refused(body) == NOT_JSON


def test_where_it_is_not_json_is_told() -> None:
    message, *rest = NOT_JSON

    assert refused(b'{"turns":[]} x') == (
        message.replace("JSON.", "JSON: trailing characters (byte 14)."),
        *rest,
    )


def test_unknown_fields_inside_are_left_out_and_named() -> None:
    part = {"type": "text", "text": "a", "cache": True}
    body = {"turns": [TURN | {"x": 1, "parts": [part]}], "harmless": [1]}

    assert parsed(body) == Parsed(
        Body([Turn("user", [Part("a")])]), ("harmless", "turns[].x", "turns[].parts[].cache")
    )


def test_a_field_unknown_in_a_thousand_places_counts_once() -> None:
    turns: list[Any] = [
        TURN | {"x": number, "parts": "a" if number % 2 else []} for number in range(1000)
    ]

    wire, ignored = parsed({"turns": turns}).wire, parsed({"turns": turns}).ignored

    assert ignored == ("turns[].x",)
    assert len(wire.turns) == 1000


def test_a_field_unknown_in_one_kind_stays_in_another() -> None:
    parts = [
        {"type": "image", "url": "a", "text": "b"},
        {"type": "text", "text": "c"},
    ]

    assert parsed({"turns": [TURN | {"parts": parts}, TURN | {"parts": "x"}]}) == Parsed(
        Body([Turn("user", [Picture("a"), Part("c")]), Turn("user", "x")]),
        ("turns[].parts[].text",),
    )


def test_free_form_parts_survive_beside_unknown_fields() -> None:
    body: dict[str, Any] = {"turns": [], "harmless": 1, "schema": {"a": [1, "ü"]}}

    wire = parsed(body).wire

    assert isinstance(wire.schema, msgspec.Raw)
    assert free_form(wire.schema, "schema") == {"a": [1, "ü"]}


def test_faults_show_beside_unknown_fields() -> None:
    assert refused({"turns": [{"x": 1}]})[2] == "turns[0].role"
    assert refused({"turns": 1, "harmless": 1})[1:] == ("invalid_type", "turns")


@pytest.mark.parametrize(
    "name", ["x` - at `$.turns", "x` - at `$.turns[0]`", "a\r\nset-cookie: b", "`", ""]
)
def test_names_that_clients_make_up_lead_nobody_astray(name: str) -> None:
    assert parsed({"turns": [TURN | {name: 1}]}).ignored == (f"turns[].{name}",)
    assert refused({"turns": [], name: 1})[1:] == ("unknown_parameter", name)


def test_too_many_unknown_fields_are_refused() -> None:
    names = {f"x{number}": 1 for number in range(32)}

    message, code, param = refused({"turns": [TURN | names]})

    assert message == "The body has too many fields that this endpoint does not know."
    assert (code, param) == ("unknown_parameter", None)


def test_unknown_fields_in_a_large_body_are_refused() -> None:
    body = {"turns": [{"role": "x" * 2**20}], "harmless": 1}

    message, code, param = refused(body)

    assert message == "The body has fields that this endpoint does not know."
    assert (code, param) == ("unknown_parameter", None)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(b"[]", "invalid_type", id="array"),
        pytest.param(b"null", "invalid_type", id="null"),
        pytest.param(b'{"a":"\\ud800"}', "invalid_json", id="lone surrogate"),
        pytest.param(b'{"a":' + b"[" * 5000, "invalid_json", id="very deep"),
        pytest.param(b'{"a":' * 101 + b"1" + b"}" * 101, "invalid_value", id="deep"),
        pytest.param(
            b'"' + b"a" * FREE_FORM_LIMIT_BYTES + b'"', "string_above_max_length", id="large"
        ),
    ],
)
def test_free_form_parts_are_objects_of_bounded_size(raw: bytes, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        free_form(msgspec.Raw(raw), "schema")

    assert (caught.value.code, "schema" in (caught.value.param or "schema")) == (code, True)


def test_a_free_form_part_may_have_a_hundred_levels() -> None:
    raw = b'{"a":[' * 49 + b'{"a":1}' + b"]}" * 49

    assert free_form(msgspec.Raw(raw), "schema") == msgspec.json.decode(raw)


def test_a_header_holds_what_headers_can_hold() -> None:
    ignored = Parsed(Body([]), ("turns[].a\r\nb: c", "é" * 200))

    assert ignored_header(ignored, "store") == {
        "x-ignored-parameters": f"turns[].a??b:?c, {'?' * 100}, store"
    }


def test_there_is_no_header_where_nothing_is_left_out() -> None:
    assert ignored_header(Parsed(Body([]))) == {}
