"""What a field takes, where it takes a few values only: for errors to tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import inspect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import msgspec

# By the names of JSON's types in msgspec's complaints.
_TYPES = {
    "int": "an integer",
    "float": "a number",
    "str": "a string",
    "bool": "a boolean",
    "array": "an array",
    "object": "an object",
}


def type_names(text: str) -> str:
    """Return ``int | null`` as ``an integer or null``."""
    return " or ".join(_TYPES.get(name, name) for name in text.split(" | "))


def values(body: type[msgspec.Struct], path: str) -> tuple[str, ...]:
    """Return the words that the field at ``path`` of ``body`` takes; none where any will do.

    A struct whose class says ``supported = False`` is there to be refused by its name, so its tag
    is not among them.
    """
    found: list[inspect.Type] = [inspect.type_info(body)]
    *steps, last = re.findall(r"[^.\[\]]+", path) or [""]
    for step in steps:
        found = list(_below(found, step))
    tags = [
        member.tag
        for member in found
        if isinstance(member, inspect.StructType)
        and member.tag_field == last
        and getattr(member.cls, "supported", True)
    ]
    words: list[object] = [*tags] or [
        word for member in _below(found, last) for word in _words(member)
    ]
    return tuple(dict.fromkeys(f"{word}" for word in words))


def _below(found: Iterable[inspect.Type], step: str) -> Iterator[inspect.Type]:
    for member in found:
        match member:
            case inspect.StructType(fields=fields):
                for field in fields:
                    if field.encode_name == step:
                        yield from _members(field.type)
            case inspect.ListType(item_type=item) if step.isdigit():
                yield from _members(item)
            case _:
                pass


def _members(kind: inspect.Type) -> Iterator[inspect.Type]:
    match kind:
        case inspect.UnionType(types=types):
            for each in types:
                yield from _members(each)
        case inspect.Metadata(type=inner):
            yield from _members(inner)
        case _:
            yield kind


def _words(kind: inspect.Type) -> Iterable[object]:
    match kind:
        case inspect.LiteralType(values=given):
            return given
        case inspect.BoolType():
            return "true", "false"
        case _:
            return ()
