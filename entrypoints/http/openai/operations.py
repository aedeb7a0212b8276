"""What an endpoint takes and answers, for the OpenAPI document at /docs.

Schemas are derived from the wire structs that decode and encode, so that document and code are
one. An endpoint declares its operation in a module `operation.py` beside its controller:

    CREATE = operation(
        "embeddings",
        Content(wire.EmbeddingList, {"One vector": {...}}),
        body=Content(wire.EmbeddingsRequest, {"A text": {"input": "Hello"}}),
    )

and hands it to its route:

    @post("", status_code=200, summary="Embed texts", operation_id="createEmbedding",
          operation_class=CREATE)

``stream=`` declares the records of a `text/event-stream`, with the whole stream as its example;
``failures=`` the statuses, where the default does not fit. Summary and description are the
route's own: its ``summary`` and the handler's docstring. Path parameters come from the path.
`tests/unit/test_operations.py` finds every operation by itself and holds its examples against
the structs. Nothing here runs before the document is asked for, but for keeping these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from litestar.openapi.spec import Operation
from litestar.routes import HTTPRoute

from entrypoints.http.openai import failures
from entrypoints.http.openai.failures import WITH_BODY, WITHOUT_BODY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from litestar import Litestar

_REF = "#/components/schemas/"
_JSON = "application/json"
_SSE = "text/event-stream"
_OK = "200"


@dataclass(frozen=True, slots=True)
class Content:
    """What a body holds.

    Attributes:
        kind: the type that decodes or encodes it.
        examples: by title; JSON values, or the whole text of a stream.
    """

    kind: Any
    examples: Mapping[str, object] = field(default_factory=dict[str, object])


def operation(
    family: str,
    answer: Content,
    *,
    body: Content | None = None,
    stream: Content | None = None,
    failures: Collection[int] | None = None,
) -> type[Operation]:
    """Return the ``operation_class`` of a route.

    Args:
        family: the endpoint's folder; it sets its schemas apart from others of the same name.
        answer: the JSON of status 200.
        body: the JSON that the request brings.
        stream: the records of status 200 as a stream.
        failures: statuses of the error envelope; those of a request with or without a body.
    """
    usual = WITHOUT_BODY if body is None else WITH_BODY
    declared = Contract(family, answer, body, stream, frozenset(failures or usual))

    class Declared(_Declared):
        contract = declared

    return Declared


def contracts(app: Litestar) -> Iterator[Contract]:
    """Yield what the routes of ``app`` declare."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, _ in route.route_handler_map.values():
                if issubclass(handler.operation_class, _Declared):
                    yield handler.operation_class.contract


def schemas(app: Litestar) -> Mapping[str, object]:
    """Return the component schemas of all operations, by name.

    Raises:
        ValueError: two structs of one family share a name.
    """
    named: dict[str, object] = {"Error": failures.SCHEMA}
    for contract in contracts(app):
        for name, schema in contract.components.items():
            if named.setdefault(name, schema) != schema:
                message = f"Two structs are called {name}."
                raise ValueError(message)
    return named


@dataclass(frozen=True)
class Contract:
    """An operation's bodies; schemas are derived once, when first asked for."""

    family: str
    answer: Content
    body: Content | None
    stream: Content | None
    failures: frozenset[int]

    @cached_property
    def components(self) -> Mapping[str, object]:
        """The schemas of the structs in it, by name."""
        return {f"{self.family}.{name}": schema for name, schema in self._derived[1].items()}

    def document(self) -> dict[str, Any]:
        """Return the request body and the responses as OpenAPI has them."""
        answers = {_JSON: self._media(self.answer)}
        if self.stream is not None:
            answers[_SSE] = self._media(self.stream)
        responses = {
            _OK: {"description": "The answer.", "content": answers},
            **failures.documented(self.failures),
        }
        if self.body is None:
            return {"responses": responses}
        content = {_JSON: self._media(self.body)}
        return {"requestBody": {"required": True, "content": content}, "responses": responses}

    @cached_property
    def _derived(self) -> tuple[tuple[dict[str, Any], ...], dict[str, Any]]:
        kinds = [part.kind for part in (self.answer, self.body, self.stream) if part is not None]
        return msgspec.json.schema_components(kinds, ref_template=f"{_REF}{self.family}.{{name}}")

    def _media(self, content: Content) -> dict[str, Any]:
        parts = [part for part in (self.answer, self.body, self.stream) if part is not None]
        media: dict[str, Any] = {"schema": self._derived[0][parts.index(content)]}
        if content.examples:
            media["examples"] = {title: {"value": it} for title, it in content.examples.items()}
        return media


@dataclass
class _Declared(Operation):
    """Litestar's operation, but for what it cannot know of raw bodies."""

    contract: ClassVar[Contract]

    def to_schema(self) -> dict[str, Any]:
        """Return the operation as OpenAPI has it."""
        return super().to_schema() | self.contract.document()
