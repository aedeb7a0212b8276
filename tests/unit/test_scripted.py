"""Scripts, digests, and values that fit schemas."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.scripted import digest, script, tape, vectors, wire
from adapters.scripted.builtin import Builtin
from adapters.scripted.errors import KINDS, SourceError
from adapters.scripted.filling import fill
from adapters.scripted.llm import ScriptedLLM
from domain.chat import EngineOptions
from domain.embeddings import EmbedRequest
from domain.errors import InvalidRequestError, UpstreamUnavailableError
from domain.events import TextDelta
from domain.messages import Message, Role
from domain.sampling import JSONObjectFormat, Sampling
from domain.tool_envelope import Envelope
from domain.tools import ToolCall
from entrypoints.container import decide
from entrypoints.settings import Settings, SettingsError, load
from tests.support import builders

if TYPE_CHECKING:
    from pathlib import Path

ASK = builders.ChatRequestFactory.build()
TREE: dict[str, Any] = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name"],
        }
    },
}


ENVELOPE = Envelope(
    (builders.ToolDefinitionFactory.build(),),
    may_reply=True,
    parallel=True,
    output=JSONObjectFormat(),
).schema()


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 30, "maxLength": 40},
        {"type": "string", "maxLength": 2},
        {"type": "integer", "minimum": 3, "multipleOf": 5},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        {"type": "integer", "maximum": -4},
        {"type": ["boolean", "null"]},
        {"enum": ["a", 1]},
        {"const": {"a": [1]}},
        {"oneOf": [{"type": "null"}, {"type": "string"}]},
        {"allOf": [{"properties": {"a": {"type": "null"}}, "required": ["a"]}, {"type": "object"}]},
        {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "maxItems": 3},
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "uuid"},
        {"type": "object", "properties": {"a": {}}, "required": ["b", "a"]},
        {"type": "object", "required": ["a"], "additionalProperties": {"type": "null"}},
        TREE,
        ENVELOPE,
    ],
)
def test_a_filled_value_fits_its_schema(schema: dict[str, Any]) -> None:
    value = fill(schema, "What the user said.")

    assert jsonschema_rs.is_valid(schema, value)
    assert fill(schema, "What the user said.") == value


def test_a_schema_that_cannot_end_is_given_up_on() -> None:
    schema = {"properties": {"a": {"$ref": "#"}}, "required": ["a"]}

    assert json.dumps(fill(schema, "x"))
    assert fill({"$ref": "#"}, "x") == "x"


def test_a_schema_that_spreads_without_end_is_given_up_on() -> None:
    schema = {"properties": {name: {"$ref": "#"} for name in "abcdefgh"}}

    assert len(json.dumps(fill(schema, "x"))) < 10**7


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": True, "b": {"allOf": [True, {"type": "null"}]}}},
        {"anyOf": [True]},
        {"type": "array", "minItems": 2.0, "items": {"type": "string", "maxLength": 1.0}},
        {"type": "integer", "minimum": 1e308, "multipleOf": 1e-308},
        {"type": "string", "minLength": 10**12},
        {"type": "array", "minItems": 10**12},
        {"properties": {"a": {"$ref": "#/required"}}, "required": ["a"]},
    ],
)
def test_odd_schemas_are_filled(schema: dict[str, Any]) -> None:
    assert len(json.dumps(fill(schema, "x"))) < 10**6


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": "b"}},
        {"required": "a"},
        {"type": "nothing"},
        {"enum": 1},
        {"$schema": "urn:nobody:knows"},
        {"allOf": [{"properties": 1}]},
    ],
)
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        fill(schema, "x")

    assert caught.value.code == "invalid_json_schema"


@given(st.text(), st.integers(1, 100))
def test_a_text_has_one_vector(text: str, dimensions: int) -> None:
    one, two = (vectors.of(EmbedRequest("m", (text,), dimensions)) for _ in range(2))

    assert one == two
    assert len(one.vectors[0]) == 4 * min(dimensions, vectors.LENGTH)


def _request(call_id: str) -> Any:
    call = ToolCall(call_id, "get_weather", "{}")
    turns = (
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, tool_calls=(call,)),
        Message(Role.TOOL, "25", tool_call_id=call_id),
    )
    return replace(ASK, messages=turns)


def test_a_digest_knows_no_chance_and_no_spelling() -> None:
    def of(request: Any) -> str:
        return digest.of(digest.normal(request))

    assert of(_request("call_x")) == of(_request("call_y"))
    assert of(replace(ASK, model="a")) == of(replace(ASK, model="A:latest"))
    assert of(ASK) == of(replace(ASK, engine=EngineOptions(keep_alive="5m")))


@pytest.mark.parametrize(
    "other",
    [
        replace(ASK, model="other"),
        replace(ASK, messages=(Message(Role.USER, "Other."),)),
        replace(ASK, output=JSONObjectFormat()),
        replace(ASK, sampling=Sampling(temperature=0.0)),
        replace(ASK, tools=(builders.ToolDefinitionFactory.build(),)),
        replace(ASK, engine=EngineOptions({"num_ctx": 1})),
        _request("call_x"),
    ],
)
def test_another_request_has_another_digest(other: Any) -> None:
    assert digest.of(digest.normal(other)) != digest.of(digest.normal(ASK))


def test_the_digest_of_a_request_stays_what_it_is() -> None:
    # Recordings are kept for years: a change here makes all of them useless.
    assert digest.of(digest.normal(ASK)) == "a4968dc92144e0a1"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.json", "{", "truncated"),
        ("a.toml", "rules = [", "Invalid"),
        ("a.json", '{"rules": [{"texts": "a"}]}', "unknown field `texts`"),
        ("a.json", '{"rules": [{"when": {"user": {"regex": "("}}}]}', "unterminated"),
        ("a.json", '{"rules": [{"error": {"kind": "x"}}]}', "Invalid enum value 'x'"),
        ("a.json", '{"rules": [{"when": {"user": {"regex": "%s"}}}]}' % ("a" * 501), "<= 500"),
        ("a.json", '{"rules": [{"first_token_s": -1}]}', ">= 0"),
    ],
)
def test_a_script_that_is_none_is_told_at_the_start(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError) as caught:
        decide(load({"LLM_BACKEND": "scripted", "SCRIPT_FILE": str(path)}))

    assert caught.value.problems[0].startswith("SCRIPT_FILE: ")
    assert told in caught.value.problems[0]


RECORDED = b'{"type":"answer","digest":"a","request":%b}\n'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"{}", id="no kind"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b'{"type":"answer"}\n', id="no answer"),
        pytest.param(RECORDED % b"{}", id="no model"),
        pytest.param(RECORDED % b'{"model":[]}', id="no name of a model"),
        pytest.param(
            RECORDED % (b'{"model":"a","messages":' + b"[" * 9999 + b"]" * 9999 + b"}"), id="deep"
        ),
    ],
)
def test_a_recording_that_is_none_is_told_at_the_start(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)

    with pytest.raises(SettingsError) as caught:
        decide(load({"LLM_BACKEND": "scripted", "RECORD_FILE": str(path)}))

    assert caught.value.problems[0].startswith("RECORD_FILE: line 1 is not one of a recording")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        script.load(tmp_path)
    with pytest.raises(SourceError):
        list(tape.read(tmp_path))


@pytest.mark.parametrize(
    ("given_settings", "told"),
    [
        ({"SCRIPT_FILE": "{file}"}, "SCRIPT_FILE: only LLM_BACKEND=scripted answers by it"),
        (
            {"LLM_BACKEND": "scripted", "SCRIPT_FILE": "{file}", "RECORD_FILE": "{file}"},
            "RECORD_FILE: a script and a recording cannot answer both",
        ),
        (
            {"LLM_BACKEND": "scripted", "SCRIPT_FILE": "{file}-not"},
            "SCRIPT_FILE: there is no such file",
        ),
        (
            {"LLM_BACKEND": "scripted", "RECORD_FILE": "{file}-not"},
            "RECORD_FILE: there is no such file to replay",
        ),
        ({"RECORD_FILE": "{file}/in/it"}, "RECORD_FILE: there is no such folder to record in"),
    ],
)
def test_files_that_do_not_go_together_are_told(
    tmp_path: Path, given_settings: dict[str, str], told: str
) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(SettingsError) as caught:
        load({name: value.format(file=file) for name, value in given_settings.items()})

    assert caught.value.problems == [told]


def test_the_default_model_is_the_first_there_is(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text('models = ["mine"]', encoding="utf-8")
    empty = tmp_path / "empty.jsonl"
    empty.touch()

    def default(**settings: str) -> str:
        return decide(Settings(llm_backend="scripted", **settings)).default_model  # type: ignore[arg-type]  # all are texts

    assert default() == "scripted-echo"
    assert default(script_file=str(path)) == "mine"
    assert default(record_file=str(empty)) == "scripted-echo"
    assert default(default_model="other") == "other"


def test_a_script_knows_every_kind_of_failure() -> None:
    for kind in KINDS:
        msgspec.convert({"kind": kind}, wire.Failure)


async def test_the_end_of_the_service_ends_what_waits() -> None:
    llm = ScriptedLLM(Builtin())
    stream = await llm.stream(replace(ASK, model="scripted-silent"))
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    await llm.aclose()

    with pytest.raises(UpstreamUnavailableError):
        await waiting


def test_a_slow_model_says_the_same_slowly() -> None:
    request = replace(ASK, model="scripted-slow", messages=(Message(Role.USER, "Hi, you."),))

    steps = Builtin().chat(request)

    assert [(step.what, step.after_s) for step in steps[:2]] == [
        ([TextDelta("Hi,")], 1.0),
        ([TextDelta(" you.")], 0.1),
    ]
    assert steps[2].after_s == 0
