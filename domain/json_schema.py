"""References inside a JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import unquote

from domain.errors import InvalidRequestError

DEFINITIONS = "$defs"
# What a reference that stays begins with; a name follows, and nothing else.
REFERENCE = f"#/{DEFINITIONS}/"

_DEFINITION_KEYS = (DEFINITIONS, "definitions")
# Engines make rules of names, and some know no others.
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")
# Definitions that refer to each other twice over double at every step.
_MOST_NODES = 20_000
# So many may come of one schema of many: most have less.
_LEAST_SHARE = 1_000
# What stays may stay in many places, one within the other.
_MOST_KEPT = 20 * _MOST_NODES
# Python reads numbers of a few thousand digits at most, and no list is as long as this.
_LONGEST_INDEX = 9
# A reference deeper than this stays, or a long chain of them would be too deep for Python.
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class PlainSchema:
    """A schema with as few references as can be.

    Attributes:
        schema: it. A reference that leads back to itself has no plain form: it stays, as one to a
            definition at the root (``#/$defs/Name``).
        lost: references that lead nowhere in the schema; they stay as they were.
    """

    schema: dict[str, Any]
    lost: tuple[str, ...]


def plain(schema: Mapping[str, Any], *, among: int = 1) -> PlainSchema:
    """Return ``schema`` with each reference into itself replaced by what it names.

    References are JSON pointers (RFC 6901) as fragments, with the schema's own ``$id`` or nothing
    before them. Where that would make it very large, the rest of them stay, too.

    Args:
        schema: the schema.
        among: how many schemas a request has: together they may become as large as one alone.

    Raises:
        InvalidRequestError: what stays is very large (code ``invalid_json_schema``).
    """
    inliner = _Inliner(schema, max(_LEAST_SHARE, _MOST_NODES // among))
    return PlainSchema(inliner.plain(), tuple(inliner.lost))


def inline_references(schema: Mapping[str, Any], *, among: int = 1) -> dict[str, Any]:
    """Return the same, whether or not all references lead somewhere."""
    return plain(schema, among=among).schema


class _Inliner:
    def __init__(self, schema: Mapping[str, Any], most_nodes: int) -> None:
        self._root = schema
        self._most_nodes = most_nodes
        self._kept_nodes = 0
        own = schema.get("$id")
        self._id = own.rstrip("#") if isinstance(own, str) else ""
        self._nodes = 0
        # Where the references lead that stay, and what the definitions there are called.
        self._pointers: list[str] = []
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._endings: dict[str, int] = {}
        self.lost: dict[str, None] = {}

    def plain(self) -> dict[str, Any]:
        out: dict[str, Any] = self._walk(_body(self._root), ("",), 0)
        definitions: dict[str, Any] = {}
        # Each may bring others.
        for pointer in self._pointers:
            definitions[self._names[pointer]] = self._kept(_body(self._find(pointer)))
        return out | {DEFINITIONS: definitions} if definitions else out

    def _walk(self, node: object, within: tuple[str, ...], depth: int) -> Any:  # noqa: ANN401 - JSON is anything
        self._nodes += 1
        if isinstance(node, list):
            return [self._walk(item, within, depth + 1) for item in cast("list[object]", node)]
        if not isinstance(node, Mapping):
            return node
        schema = cast("Mapping[str, Any]", node)
        pointer = self._pointer(schema)
        if pointer is None:
            return {key: self._walk(value, within, depth + 1) for key, value in schema.items()}
        if pointer in within or depth > _DEEPEST or self._nodes > self._most_nodes:
            return self._kept(schema)
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        target = {**_body(self._find(pointer)), **beside}
        return self._walk(target, (*within, pointer), depth + 1)

    def _kept(self, node: object) -> Any:  # noqa: ANN401 - JSON is anything
        """Return ``node`` with its references to definitions at the root."""
        self._kept_nodes += 1
        if self._kept_nodes > _MOST_KEPT:
            message = "A JSON Schema of this request becomes too large with its references."
            raise InvalidRequestError(message, code="invalid_json_schema")
        if isinstance(node, list):
            return [self._kept(item) for item in cast("list[object]", node)]
        if not isinstance(node, Mapping):
            return node
        schema = cast("Mapping[str, Any]", node)
        pointer = self._pointer(schema)
        out = {key: self._kept(value) for key, value in schema.items()}
        return out if pointer is None else out | {"$ref": REFERENCE + self._name(pointer)}

    def _pointer(self, schema: Mapping[str, Any]) -> str | None:
        """Return where the reference of ``schema`` leads; None without one that leads somewhere."""
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return None
        place, sign, fragment = reference.partition("#")
        pointer = unquote(fragment)
        if sign and place in {"", self._id} and self._find(pointer) is not None:
            return pointer
        self.lost[reference] = None
        return None

    def _find(self, pointer: str) -> Mapping[str, Any] | bool | None:
        node: object = self._root
        start, *steps = pointer.split("/")
        for step in steps:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping):
                node = cast("Mapping[str, object]", node).get(key)
            elif isinstance(node, list) and key.isdecimal() and len(key) <= _LONGEST_INDEX:
                items = cast("list[object]", node)
                node = items[int(key)] if int(key) < len(items) else None
            else:
                return None
        if start or not isinstance(node, Mapping | bool):
            return None
        return cast("Mapping[str, Any] | bool", node)

    def _name(self, pointer: str) -> str:
        name = self._names.get(pointer)
        if name is None:
            own = _NOT_IN_NAMES.sub("_", pointer.rpartition("/")[2]) or "root"
            name = own
            while name in self._taken:
                self._endings[own] = self._endings.get(own, 1) + 1
                name = f"{own}_{self._endings[own]}"
            self._pointers.append(pointer)
            self._names[pointer] = name
            self._taken.add(name)
        return name


def _body(schema: Mapping[str, Any] | bool | None) -> dict[str, Any]:  # noqa: FBT001 - JSON Schema's own
    """Return a schema without its definitions: what refers to them finds them where they were."""
    if isinstance(schema, Mapping):
        return {key: value for key, value in schema.items() if key not in _DEFINITION_KEYS}
    return {} if schema else {"not": {}}
