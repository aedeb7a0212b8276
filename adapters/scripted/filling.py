"""Values that satisfy JSON Schemas, always the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, cast

import jsonschema_rs

from adapters.schema_work import MOST, work
from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable

Schema: TypeAlias = Mapping[str, Any]

# A schema that refers to itself ends where it need not go on, and in the end where it must.
_DEEP = 16
_DEEPEST = 64
# Past so many values the rest is as small as may be, and no text or array is made longer.
_MOST = 10_000
_FILLER = "x"
_BY_FORMAT = {
    "date": "2025-01-01",
    "date-time": "2025-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "email": "someone@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com",
}


def fill(schema: Schema, text: str, root: Schema | None = None) -> object:
    """Return an instance of ``schema`` whose free strings are ``text``.

    It keeps to types, constants, what is required, ranges and lengths; a ``pattern`` it does not
    know.

    Args:
        schema: the schema, or a part of one.
        text: for strings.
        root: where references lead; ``schema`` itself unless given.

    Raises:
        InvalidRequestError: ``root`` is no JSON Schema.
    """
    root = schema if root is None else root
    if not _is_schema(root):
        message = "A schema in this request is not a JSON Schema that can be followed."
        raise InvalidRequestError(message, code="invalid_json_schema")
    return _Filler(text, root).value(schema, 0)


def fits(schema: Schema, value: object) -> bool:
    """Return whether ``value`` satisfies ``schema``, or that is too much work to tell."""
    if work(schema, value) > MOST:
        return True
    try:
        check = jsonschema_rs.validator_for(dict(schema), offline=True, validate_formats=False)
    # A pattern that none is, or a reference that leads nowhere.
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return False
    return check.is_valid(value)


def _is_schema(schema: Schema) -> bool:
    try:
        return jsonschema_rs.meta.is_valid(dict(schema))
    # It names a dialect that nobody knows, or holds numbers that no JSON has.
    except (jsonschema_rs.ReferencingError, ValueError):
        return False


class _Filler:
    def __init__(self, text: str, root: Schema) -> None:
        self._text = text
        self._root = root
        self._values = 0

    def value(self, schema: object, depth: int) -> object:
        # The others are ``true``, which everything fits, and ``false``, which nothing does.
        return self._value(schema, depth) if _is_object(schema) else self._text

    def _value(self, schema: Schema, depth: int) -> object:
        self._values += 1
        if self._values > _MOST:
            depth = _DEEPEST + 1
        for key in ("const", "default"):
            if key in schema:
                return cast("object", schema[key])
        if schema.get("enum"):
            return cast("object", schema["enum"][0])
        inner = self._inner(schema)
        if inner is None or depth > _DEEPEST:
            return self._plain(schema, depth)
        return self.value(inner, depth + 1)

    def _inner(self, schema: Schema) -> object:
        """Return the schema that stands behind this one."""
        if "$ref" in schema:
            target: Any = self._root
            for step in str(schema["$ref"]).split("/")[1:]:
                target = target.get(step, {}) if _is_object(target) else {}
            return target
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return cast("object", schema[key][0])
        if schema.get("allOf"):
            merged = {key: value for key, value in schema.items() if key != "allOf"}
            for part in schema["allOf"]:
                merged = _merged(merged, part) if _is_object(part) else merged
            return merged
        return None

    def _plain(self, schema: Schema, depth: int) -> object:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        made: dict[str, Callable[[], object]] = {
            "object": lambda: self._object(schema, depth),
            "array": lambda: self._array(schema, depth),
            "integer": lambda: int(_number(schema)),
            "number": lambda: _number(schema),
            "boolean": lambda: True,
            "null": lambda: None,
            "string": lambda: self._string(schema),
        }
        return made[kind if isinstance(kind, str) else kind[0]]()

    def _object(self, schema: Schema, depth: int) -> dict[str, object]:
        properties: Schema = schema.get("properties", {})
        required = schema.get("required", ())
        # Each once, in its first place.
        wanted = dict.fromkeys((*properties, *required) if depth < _DEEP else required)
        other = schema.get("additionalProperties", {})
        return {
            name: self.value(properties.get(name, other), depth + 1)
            for name in (wanted if depth < _DEEPEST else ())
        }

    def _array(self, schema: Schema, depth: int) -> list[object]:
        least = schema.get("minItems", 1 if depth < _DEEP else 0)
        count = min(int(least), _MOST) if depth < _DEEPEST else 0
        return [self.value(schema.get("items") or {}, depth + 1) for _ in range(count)]

    def _string(self, schema: Schema) -> str:
        if schema.get("format") in _BY_FORMAT:
            return _BY_FORMAT[schema["format"]]
        made = self._text[: int(schema.get("maxLength", len(self._text)))]
        return made.ljust(min(int(schema.get("minLength", 0)), _MOST), _FILLER)


def _is_object(value: object) -> TypeGuard[Schema]:
    return isinstance(value, Mapping)


def _merged(one: Schema, other: Schema) -> dict[str, Any]:
    return {
        **one,
        **other,
        "properties": {**one.get("properties", {}), **other.get("properties", {})},
        "required": [*one.get("required", []), *other.get("required", [])],
    }


def _number(schema: Schema) -> float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    number: float = min(least, schema.get("maximum", least))
    step: float | None = schema.get("multipleOf")
    stepped = -(-number // step) * step if step else number
    return stepped if isfinite(stepped) else number
