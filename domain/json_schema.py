"""References inside a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

DEFINITION_KEYS = ("$defs", "definitions")


def inline_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` with each reference to its own definitions replaced by what it names.

    A reference that leads back to itself has no plain form: it stays, and the definitions
    with it.
    """
    return _Inliner(schema).plain()


# Definitions that refer to each other twice over double at every step.
_MOST_NODES = 20_000
# A reference deeper than this stays, or a long chain of them would be too deep for Python.
_DEEPEST = 100


class _Inliner:
    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema
        self._left = False
        self._nodes = 0

    def plain(self) -> dict[str, Any]:
        body = {key: value for key, value in self._root.items() if key not in DEFINITION_KEYS}
        out: dict[str, Any] = self._walk(body, (), 0)
        if self._left:
            out |= {key: self._root[key] for key in DEFINITION_KEYS if key in self._root}
        return out

    def _walk(self, node: object, within: tuple[str, ...], depth: int) -> Any:  # noqa: ANN401 - JSON is anything
        self._nodes += 1
        if isinstance(node, list):
            return [self._walk(item, within, depth + 1) for item in cast("list[object]", node)]
        if not isinstance(node, Mapping):
            return node
        schema = cast("Mapping[str, Any]", node)
        name = schema.get("$ref")
        if not isinstance(name, str):
            return {key: self._walk(value, within, depth + 1) for key, value in schema.items()}
        target = self._find(name)
        endless = name in within or depth > _DEEPEST or self._nodes > _MOST_NODES
        if target is None or endless:
            self._left = True
            return dict(schema)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return self._walk({**target, **beside}, (*within, name), depth + 1)

    def _find(self, reference: str) -> Mapping[str, Any] | None:
        for key in DEFINITION_KEYS:
            prefix = f"#/{key}/"
            definitions = self._root.get(key)
            if reference.startswith(prefix) and isinstance(definitions, Mapping):
                known = cast("Mapping[str, object]", definitions)
                target = known.get(reference.removeprefix(prefix))
                return cast("Mapping[str, Any]", target) if isinstance(target, Mapping) else None
        return None
