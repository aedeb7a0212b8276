"""What a seed makes of a valid body: JSON of another form, or no JSON any more."""

from __future__ import annotations

import copy
import gzip
import json
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random  # noqa: TID251 - seeded: chance that can be repeated

# What is seldom thought of.
_ODD: Sequence[Any] = (
    *(None, True, False, 0, -1, 1, 16, 128, 129, 0.5, -0.0, 1e308, -1e308, 2**31, 2**63, -(2**63)),
    *(2**64, 10**400, float("nan"), float("inf")),
    *("", " ", "\0", "a", "auto", "none", "required", "\ud800", "é", "🦀", "a" * 300, "b" * 70_000),
    *("../../etc/passwd", "http://127.0.0.1:9/x", "data:image/png;base64,!!!!", "(a+)+$", "%s{0}"),
    *([], {}, [[]], [None], [""], [{}], {"": None}, {"type": None}, {"type": "function"}),
    *({"type": "text", "text": 1}, {"$ref": "#"}, {"type": "object", "properties": {}}),
    *({"type": "string", "pattern": "^[0-9]+$"}, {"not": {}}, {"minimum": 2, "maximum": 1}),
    *({"required": ["zz"]}, {"enum": []}, {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}),
    *([0] * 3000, ["x"] * 3000, {str(number): number for number in range(300)}),
)
# Share of changes that leave a body valid, mostly: else nothing would get behind the parsers.
_MILD = 0.6
_DEPTHS = (50, 101, 1_000, 20_000)


def mutated(body: Any, others: Sequence[Any], chance: Random) -> bytes:
    """Return a body that one to four changes have come over.

    Args:
        body: a valid one.
        others: bodies to take parts from.
        chance: decides everything.
    """
    tree = copy.deepcopy(body)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        tree = _changed(tree, others, chance)
    data = _encoded(tree, chance)
    if chance.random() < 0.1:
        data = chance.choice(_SPOILERS)(data, chance)
    return data


def _changed(tree: Any, others: Sequence[Any], chance: Random) -> Any:
    if chance.random() < _MILD:
        return _borrowed(tree, others, chance)
    places = _places(tree)
    if not places:
        return copy.deepcopy(chance.choice(_ODD))
    holder, key = chance.choice(places)
    chance.choice(_CHANGES)(holder, key, others, chance)
    return tree


def _borrowed(tree: Any, others: Sequence[Any], chance: Random) -> Any:
    """Return ``tree`` with a field of another body: mostly a valid one again."""
    other = chance.choice(others)
    if _is_object(tree) and _is_object(other) and other:
        name = chance.choice(list(other))
        tree[name] = copy.deepcopy(other[name])
    return tree


def _away(holder: Any, key: Any, others: Sequence[Any], chance: Random) -> None:  # noqa: ARG001
    del holder[key]


def _odd(holder: Any, key: Any, others: Sequence[Any], chance: Random) -> None:  # noqa: ARG001
    holder[key] = copy.deepcopy(chance.choice(_ODD))


def _wrapped(holder: Any, key: Any, others: Sequence[Any], chance: Random) -> None:  # noqa: ARG001
    holder[key] = chance.choice(([holder[key]], {"a": holder[key]}, str(holder[key])))


def _again(holder: Any, key: Any, others: Sequence[Any], chance: Random) -> None:  # noqa: ARG001
    if _is_list(holder):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[chance.choice(("nobody_knows", "", key + "s", key.upper()))] = holder[key]


def _foreign(holder: Any, key: Any, others: Sequence[Any], chance: Random) -> None:
    """Put in a part of another body, under its own name or in place of what is here."""
    places = _places(chance.choice(others))
    if not places:
        return
    other, name = chance.choice(places)
    keeps_name = _is_object(holder) and isinstance(name, str) and chance.random() < 0.5
    holder[name if keeps_name else key] = copy.deepcopy(other[name])


def _nudged(holder: Any, key: Any, others: Sequence[Any], chance: Random) -> None:
    """Change what is here a little."""
    here = holder[key]
    if isinstance(here, str):
        holder[key] = _text(here, chance)
    elif isinstance(here, int | float) and abs(here) < 2**64:
        holder[key] = here * chance.choice((-1, 1000, 1e9, 0.1)) + chance.choice((0, 1, 0.5))
    else:
        _odd(holder, key, others, chance)


_CHANGES = (_away, _odd, _odd, _wrapped, _again, _foreign, _foreign, _nudged, _nudged)


def _is_list(node: Any) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _is_object(node: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Return each value in a tree by what holds it, and its key there."""
    found: list[tuple[Any, Any]] = []
    left: list[Any] = [tree]
    while left:
        node = left.pop()
        keys: list[Any] = []
        if _is_object(node):
            keys = list(node)
        elif _is_list(node):
            keys = list(range(min(len(node), 20)))
        for key in keys:
            found.append((node, key))
            left.append(node[key])
    return found


def _text(text: str, chance: Random) -> str:
    place = chance.randint(0, len(text))
    middle = chance.choice(("\0", "\ud83d", "\u2028", '"', "\\", "<|im_end|>", " " * 50, "é"))
    return text[:place] + middle + text[place + chance.randint(0, 2) :]


def _encoded(tree: Any, chance: Random) -> bytes:
    text = json.dumps(tree, ensure_ascii=chance.random() < 0.8)
    return text.encode("utf-8", "surrogatepass")


def _flip(data: bytes, chance: Random) -> bytes:
    place = chance.randrange(len(data))
    return data[:place] + bytes((data[place] ^ (1 << chance.randrange(8)),)) + data[place + 1 :]


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data))]


def _twice(data: bytes, chance: Random) -> bytes:
    start, end = sorted((chance.randrange(len(data)), chance.randrange(len(data))))
    return data[:end] + data[start:]


def _deep(data: bytes, chance: Random) -> bytes:
    depth = chance.choice(_DEPTHS)
    opening, closing = chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
    deep = opening * depth + b"1" + closing * depth
    place = data.find(b": ", chance.randrange(len(data))) + 2
    return data[:place] + deep + data[place + 1 :]


def _splice(data: bytes, chance: Random) -> bytes:
    pieces = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0", b"\xef\xbb\xbf", b"NaN", b"1" * 6000, b"//")
    place = chance.randint(0, len(data))
    return data[:place] + chance.choice(pieces) + data[place:]


def _recoded(data: bytes, chance: Random) -> bytes:
    if chance.random() < 0.5:
        return gzip.compress(data, mtime=0)
    return data.decode("utf-8", "replace").encode(chance.choice(("utf-16", "utf-32", "utf-8-sig")))


_SPOILERS: Sequence[Callable[[bytes, Random], bytes]] = (
    *(_flip, _flip, _flip, _cut, _twice, _deep, _splice, _splice, _recoded),
)
