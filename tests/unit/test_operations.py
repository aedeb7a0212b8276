"""What endpoints declare for the OpenAPI document."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from litestar import Litestar, get, post

from entrypoints.http import openai
from entrypoints.http.openai import operations
from entrypoints.http.openai.operations import Content, operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar.handlers import HTTPRouteHandler
    from litestar.openapi.spec import Operation


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Named:
    class Thing(msgspec.Struct):
        size: int


def routed(*declared: type[Operation]) -> Litestar:
    """Return an application with a route for each."""

    def route(number: int, kind: type[Operation]) -> HTTPRouteHandler:
        @get(f"/{number}", operation_class=kind, sync_to_thread=False)
        def handler() -> None: ...

        return handler

    handlers = [route(number, kind) for number, kind in enumerate(declared)]
    return Litestar(handlers, openapi_config=None)


def found() -> Iterator[type[Operation]]:
    """Yield what the endpoints' modules called ``operation`` declare."""
    for family in pkgutil.iter_modules(openai.__path__, "entrypoints.http.openai."):
        if family.ispkg and find_spec(f"{family.name}.operation"):
            module = importlib.import_module(f"{family.name}.operation")
            yield from (value for value in vars(module).values() if isinstance(value, type))


def examples(part: str) -> list[Any]:
    declared = [kind for kind in found() if hasattr(kind, "contract")]
    return [
        pytest.param(content.kind, example, id=f"{contract.family} {title}")
        for contract in operations.contracts(routed(*declared))
        if (content := getattr(contract, part)) is not None
        for title, example in content.examples.items()
    ]


@pytest.mark.parametrize(("kind", "example"), examples("body"))
def test_example_of_a_request_decodes(kind: Any, example: object) -> None:
    msgspec.json.decode(msgspec.json.encode(example), type=kind)


@pytest.mark.parametrize(("kind", "example"), examples("answer"))
def test_example_of_an_answer_is_what_its_structs_encode(kind: Any, example: object) -> None:
    assert msgspec.to_builtins(msgspec.convert(example, kind)) == example


@pytest.mark.parametrize(("kind", "example"), examples("stream"))
def test_example_of_a_stream_is_what_its_structs_encode(kind: Any, example: str) -> None:
    lines = [line.removeprefix("data: ") for line in example.splitlines() if "data: {" in line]

    assert lines
    for line in lines:
        record = msgspec.json.decode(line, type=kind)
        assert msgspec.json.encode(record).decode() == line


def test_schemas_carry_the_family_in_their_name() -> None:
    app = routed(operation("shop", Content(Thing)))

    named = operations.schemas(app)

    assert set(named) == {"Error", "shop.Thing"}


def test_families_may_have_structs_of_one_name() -> None:
    app = routed(operation("shop", Content(Thing)), operation("zoo", Content(Named.Thing)))

    assert set(operations.schemas(app)) == {"Error", "shop.Thing", "zoo.Thing"}


def test_two_structs_of_one_name_in_a_family_are_refused() -> None:
    app = routed(operation("shop", Content(Thing)), operation("shop", Content(Named.Thing)))

    with pytest.raises(ValueError, match=r"Two structs are called shop\.Thing\."):
        operations.schemas(app)


def test_undeclared_routes_are_left_to_the_framework() -> None:
    @get("/", sync_to_thread=False)
    def handler() -> None: ...

    assert list(operations.contracts(Litestar([handler], openapi_config=None))) == []


def test_request_and_answers_go_into_the_document() -> None:
    declared = operation(
        "shop",
        Content(Thing, {"One": {"name": "a"}}),
        body=Content(Thing, {"None": None}),
        stream=Content(list[Thing]),
        failures={400, 503},
    )

    @post("/", operation_class=declared, sync_to_thread=False)
    def handler() -> None: ...

    (contract,) = operations.contracts(Litestar([handler], openapi_config=None))
    thing = {"$ref": "#/components/schemas/shop.Thing"}
    assert contract.document() == {
        "requestBody": {
            "required": True,
            "content": {
                # A null in an example stays.
                "application/json": {"schema": thing, "examples": {"None": {"value": None}}}
            },
        },
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {
                    "application/json": {
                        "schema": thing,
                        "examples": {"One": {"value": {"name": "a"}}},
                    },
                    "text/event-stream": {"schema": {"type": "array", "items": thing}},
                },
            },
            "400": {
                "description": (
                    "The request cannot be understood or fulfilled; "
                    "`param` names the field at fault."
                ),
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Error"},
                        "example": {
                            "error": {
                                "message": "Missing required parameter: 'messages'.",
                                "type": "invalid_request_error",
                                "param": "messages",
                                "code": "missing_required_parameter",
                            }
                        },
                    }
                },
            },
            "503": {
                "description": (
                    "The model server cannot be reached; ask again after `retry-after` seconds."
                ),
                "headers": {"retry-after": {"schema": {"type": "string"}}},
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Error"},
                        "example": {
                            "error": {
                                "message": (
                                    "The model server cannot be reached; where this service runs, "
                                    "`local-chat doctor` says how to mend it."
                                ),
                                "type": "server_error",
                                "param": None,
                                "code": "upstream_unavailable",
                            }
                        },
                    }
                },
            },
        },
    }


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        pytest.param(
            None, ["200", "401", "403", "404", "429", "502", "503", "504"], id="without a body"
        ),
        pytest.param(
            Content(Thing),
            ["200", "400", "401", "403", "404", "415", "429", "502", "503", "504"],
            id="with a body",
        ),
    ],
)
def test_usual_failures(body: Content | None, statuses: list[str]) -> None:
    (contract,) = operations.contracts(routed(operation("shop", Content(Thing), body=body)))

    assert list(contract.document()["responses"]) == statuses
