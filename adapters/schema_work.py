"""How much work it is to hold a value against a JSON Schema.

References that lead to the same place twice double the work with every step, and the library
would go through all of it, for ages and with the whole process waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# More than this is not counted; it stands for whatever is more.
MOST = 300_000
# A pattern may try so many ways through a text.
PATTERN_STEPS = 2_000

_PATTERN_WORK = 50
_MOST_PAIRS = 50_000
_DEEPEST = 400
_LONGEST_INDEX = 9

# By the keyword, to what of a value its schemas apply.
_TO_ITSELF = (
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else"),
    *("dependentSchemas", "dependencies"),
)
_TO_MEMBERS = ("patternProperties", "additionalProperties", "unevaluatedProperties")
_TO_ITEMS = ("items", "prefixItems", "additionalItems", "unevaluatedItems", "contains")

_OTHER_REFERENCES = ("$dynamicRef", "$recursiveRef")
_NOTHING = object()


def work(schema: Mapping[str, Any], value: object = _NOTHING) -> int:
    """Return how many comparisons it takes at most, up to ``MOST`` and not much more.

    Args:
        schema: the schema.
        value: what is held against it; none for what any value takes.
    """
    return _Count(schema).of(schema, value, 0)


def strange_reference(schema: Mapping[str, Any]) -> str | None:
    """Return the keyword of a reference that ``work`` cannot follow; None where there is none.

    So is a name, within the schema, that changes where references lead.
    """
    return next((name for node in _objects(schema) for name in _strange(node, schema)), None)


def patterns(schema: Mapping[str, Any]) -> int:
    """Return how many regular expressions there are in a schema."""
    count = 0
    for node in _objects(schema):
        named = node.get("patternProperties")
        count += isinstance(node.get("pattern"), str) + (len(named) if _is_object(named) else 0)
    return count


def _objects(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    left: list[object] = [schema]
    while left:
        node = left.pop()
        if _is_list(node):
            left += node
        elif _is_object(node):
            yield node
            left += node.values()


def _strange(node: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    reference = node.get("$ref")
    if isinstance(reference, str):
        place, _, fragment = reference.partition("#")
        own = root.get("$id")
        is_here = not place or (isinstance(own, str) and place == own.rstrip("#"))
        if not is_here or (fragment and not fragment.startswith("/")):
            yield "$ref"
    yield from (name for name in _OTHER_REFERENCES if isinstance(node.get(name), str))
    if node is not root and isinstance(node.get("$id"), str):
        yield "$id"


class _Count:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._known: dict[tuple[int, int], int] = {}

    def of(self, schema: object, value: object, depth: int) -> int:
        if not _is_object(schema):
            return 1
        pair = id(schema), id(value)
        if pair in self._known:
            return self._known[pair]
        if depth > _DEEPEST or len(self._known) > _MOST_PAIRS:
            return MOST + 1
        # Whoever comes back to it meanwhile has gone in a circle, which the library notices.
        self._known[pair] = 1
        count = 1 + _PATTERN_WORK * self._patterns(schema, value)
        for part, inner in self._applied(schema, value):
            count += self.of(part, inner, depth + 1)
            if count > MOST:
                break
        self._known[pair] = count
        return count

    def _patterns(self, schema: Mapping[str, Any], value: object) -> int:
        count = int("pattern" in schema and isinstance(value, str))
        patterns = schema.get("patternProperties")
        if _is_object(patterns) and _is_object(value):
            count += len(patterns) * len(value)
        return count

    def _applied(self, schema: Mapping[str, Any], value: object) -> Iterator[tuple[object, object]]:
        """Yield the schemas that one applies, each with what it applies it to."""
        if "$ref" in schema:
            yield self._find(schema["$ref"]), value
        for key in _TO_ITSELF:
            for part in _schemas(schema.get(key)):
                yield part, value
        if _is_object(value):
            yield from _to_object(schema, value)
        elif _is_list(value):
            for key in _TO_ITEMS:
                for part in _schemas(schema.get(key), named=False):
                    yield from ((part, entry) for entry in value)

    def _find(self, reference: object) -> object:
        node: Any = self._root
        for step in str(reference).partition("#")[2].split("/")[1:]:
            name = unquote(step).replace("~1", "/").replace("~0", "~")
            if _is_list(node):
                is_index = name.isdecimal() and len(name) <= _LONGEST_INDEX
                node = node[int(name)] if is_index and int(name) < len(node) else None
            else:
                node = node.get(name) if _is_object(node) else None
        return node


def _to_object(
    schema: Mapping[str, Any], value: Mapping[str, Any]
) -> Iterator[tuple[object, object]]:
    named = schema.get("properties")
    if _is_object(named):
        yield from ((named[name], value[name]) for name in named.keys() & value.keys())
    for key in _TO_MEMBERS:
        for part in _schemas(schema.get(key), named=key == "patternProperties"):
            yield from ((part, member) for member in value.values())
    if "propertyNames" in schema:
        yield from ((schema["propertyNames"], name) for name in value)


def _schemas(found: object, *, named: bool = True) -> Iterator[object]:
    """Yield the schemas of a keyword that has one, a list or, where ``named``, names of them."""
    if _is_list(found):
        yield from found
    elif _is_object(found):
        # One schema looks as names of schemas do: both readings count.
        yield found
        if named:
            yield from found.values()


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
