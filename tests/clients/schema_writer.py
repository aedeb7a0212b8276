"""Values that satisfy JSON Schemas, made of what a text holds."""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Schema = Mapping[str, Any]


def fill(schema: Schema, text: str, root: Schema | None = None) -> Any:
    """Return an instance of ``schema`` with the numbers, quotations and places of ``text``.

    Args:
        schema: knows no rules but those that say what there is.
        text: what a user said.
        root: where references lead; ``schema`` itself unless given.
    """
    return _Writer(text, schema if root is None else root).value(schema)


_SIMPLE: Schema = {"boolean": True, "null": None}


class _Writer:
    def __init__(self, text: str, root: Schema) -> None:
        self._text = text
        self._root = root
        self._numbers = iter(re.findall(r"-?\d+(?:\.\d+)?", text))
        places = re.findall(r"\bin ([A-Z]\w*(?: [A-Z]\w*)*)", text)
        self._strings = itertools.chain(re.findall(r"'([^']+)'", text), places)

    def value(self, schema: Schema) -> Any:
        """Return an instance."""
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return next((it for it in schema["enum"] if str(it) in self._text), schema["enum"][0])
        inner = self._inner(schema)
        return self._plain(schema) if inner is None else self.value(inner)

    def _inner(self, schema: Schema) -> Schema | None:
        if "$ref" in schema:
            target: Any = self._root
            for step in schema["$ref"].split("/")[1:]:
                target = target[step]
            return dict(target)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                kinds: Sequence[Schema] = schema[key]
                return next((kind for kind in kinds if self._is_named(kind)), kinds[0])
        return None

    def _is_named(self, kind: Schema) -> bool:
        consts = re.findall(r'"const": "([^"]+)"', json.dumps(kind))
        return any(const in self._text for const in consts)

    def _plain(self, schema: Schema) -> Any:
        kind = schema.get("type", "object")
        match kind if isinstance(kind, str) else kind[0]:
            case "object":
                return {name: self.value(it) for name, it in schema.get("properties", {}).items()}
            case "array":
                items = schema.get("items", {"type": "string"})
                return [self.value(items) for _ in range(max(1, schema.get("minItems", 1)))]
            case "integer":
                return int(float(self._number(schema)))
            case "number":
                return float(self._number(schema))
            case other:
                return _SIMPLE[other] if other in _SIMPLE else next(self._strings, "something")

    def _number(self, schema: Schema) -> Any:
        return next(self._numbers, schema.get("minimum", 1))
