"""Paths of request fields: in the official client's types, in tables, and in bodies.

Works for any endpoint whose parameters the client types and whose table has the form of
`entrypoints/http/openai/support.py`.
"""

from __future__ import annotations

import copy
import re
import typing
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from typing_extensions import is_typeddict

from entrypoints.http.openai.support import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from entrypoints.http.openai.support import Support, Table

_TAGS = ("role", "type")
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")


def typed(*parameters: type) -> list[str]:
    """Return the path of every field, and of every kind of object, that a request may have."""
    return list(dict.fromkeys(path for kind in parameters for path in _fields(kind, "")))


def _fields(kind: type, prefix: str) -> Iterator[str]:
    hints = typing.get_type_hints(kind)
    tagged = _tag(kind) is not None
    for name, hint in hints.items():
        if tagged and name in _TAGS:
            continue
        yield f"{prefix}{name}"
        for inner in _objects(hint):
            tag = _tag(inner)
            if tag is None:
                yield from _fields(inner, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}[{tag}]"
                yield from _fields(inner, f"{prefix}{name}[{tag}].")


def _objects(hint: Any) -> Iterator[type]:
    if is_typeddict(hint):
        yield hint
    elif typing.get_origin(hint) is not typing.Literal:
        for argument in typing.get_args(hint):
            yield from _objects(argument)


def _tag(kind: type) -> str | None:
    """Return the one value that tells objects of this kind from others."""
    hints = typing.get_type_hints(kind)
    for name in _TAGS:
        values = typing.get_args(hints.get(name))
        if len(values) == 1 and typing.get_origin(hints[name]) is typing.Literal:
            return str(values[0])
    return None


def entry(table: Table, path: str) -> Support | None:
    """Return what a table says of a path; of all that a refused or accepted one has in it, too."""
    ends = [end for end in range(len(path) - 1, 0, -1) if path[end] in ".["]
    above = [found for end in ends if (found := _exact(table, path[:end])) is not None]
    if refused := [found for found in above if found.status is Status.REFUSED]:
        return refused[0]
    if (found := _exact(table, path)) is not None:
        return found
    return next((found for found in above if found.status is Status.ACCEPTED), None)


def has_row(table: Table, path: str) -> bool:
    """Return whether a table says something of this very path, perhaps for any kind."""
    return _exact(table, path) is not None


def _exact(table: Table, path: str) -> Support | None:
    for key in (path, *_wildcards(path)):
        if key in table:
            return table[key]
    return None


def _wildcards(path: str) -> Iterator[str]:
    """Yield the path with one or more of its kinds left open."""
    pieces = re.split(r"(\[[^\]]+\])", path)
    places = range(1, len(pieces), 2)
    for count in range(1, 2 ** len(places)):
        open_ = {place for bit, place in enumerate(places) if count >> bit & 1}
        yield "".join("[*]" if i in open_ else piece for i, piece in enumerate(pieces))


def locate(body: Any, path: str) -> list[str | int] | None:
    """Return the way to the first field in ``body`` that ``path`` stands for, or None."""
    return _locate(body, _STEP.findall(path))


def sample(bodies: Iterable[Any], path: str) -> tuple[Any, list[str | int]]:
    """Return the first of ``bodies`` that has a field, and the way to it."""
    for body in bodies:
        if (way := locate(body, path)) is not None:
            return body, way
    message = f"no sample has the field {path}"
    raise LookupError(message)


def _locate(node: Any, steps: Sequence[tuple[str, str]]) -> list[str | int] | None:
    if not steps:
        return []
    if steps[0][1] and isinstance(node, dict):
        # An object's own kind is no step further.
        return _locate(node, steps[1:]) if _is(node, steps[0][1]) else None
    for option, rest in _options(node, *steps):
        if (way := _locate(node[option], rest)) is not None:
            return [option, *way]
    return None


def _options(
    node: Any, step: tuple[str, str], *rest: tuple[str, str]
) -> Iterator[tuple[str | int, Sequence[tuple[str, str]]]]:
    """Yield the keys of ``node`` to try, each with the steps that are left after it."""
    name, tag = step
    if _is_list(node):
        # Objects that are all of one kind have no tag: the name is one of theirs.
        left = rest if tag else (step, *rest)
        yield from ((i, left) for i, inner in enumerate(node) if not tag or _is(inner, tag))
    elif isinstance(node, dict) and name in node:
        yield name, rest


def _is_list(node: Any) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _is(node: Any, tag: str) -> bool:
    if not isinstance(node, dict):
        return bool(node == tag)
    own = cast("dict[str, Any]", node)
    return tag == "*" or tag in [own.get(name) for name in _TAGS]


def without(body: Any, way: Sequence[str | int]) -> Any:
    """Return a copy of ``body`` that lacks what ``way`` leads to."""
    copied = copy.deepcopy(body)
    node = copied
    for step in way[:-1]:
        node = node[step]
    del node[way[-1]]
    return copied


def param(body: Any, way: Sequence[str | int]) -> str:
    """Return how an error names what ``way`` leads to; a plain value in a list, by its list."""
    text = ""
    node = body
    for step in way:
        node = node[step]
        text += f".{step}" if isinstance(step, str) else f"[{step}]" * isinstance(node, dict)
    return text[1:]
