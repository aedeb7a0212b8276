"""The text that keys are kept in: one a line, with comments.

A line holds a key or ``sha256:`` and its digest in hexadecimal, and then, in any order,
``name=...``, ``requests_per_minute=...``, ``tokens_per_minute=...``, ``concurrency=...`` and
``models=a,b``. What is wrong with a line is told by its number, and never quotes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.keys import Key, KeyLimits, digest, owner_of_key, owner_of_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHORTEST_KEY = 16
_DIGEST = "sha256:"
_HEX = re.compile(r"[0-9a-f]{64}")
# Names are told to everyone: what looks like a key is none.
_NAME = re.compile(r"(?!sk-)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODEL = re.compile(r"[^\s,]+")
_COUNT = re.compile(r"[1-9][0-9]{0,8}")
_COUNTS = ("requests_per_minute", "tokens_per_minute", "concurrency")
_OPTIONS = frozenset({*_COUNTS, "name", "models"})

BAD_NAME = "a name is 1 to 64 letters, digits, '.', '_' and '-', and does not begin with 'sk-'"
_EXPECTED = (
    f"after the key come {', '.join(f'{each}=...' for each in ('name', *_COUNTS, 'models'))}"
)


class KeyLineError(Exception):
    """A line that holds no key; the text says why without quoting it."""


@dataclass(frozen=True, slots=True)
class KeyLines:
    """The keys of a text, by the numbers of their lines, and what is wrong with other lines."""

    keys: dict[int, Key]
    problems: tuple[str, ...]


def parse(text: str) -> KeyLines:
    """Return the keys of ``text`` and all its problems."""
    keys: dict[int, Key] = {}
    problems: list[str] = []
    lines: dict[bytes | str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        try:
            key = parse_line(line)
            if key is None:
                continue
            _check_digest(key, lines)
            _check_limits(key, keys, lines)
        except KeyLineError as error:
            problems.append(f"line {number}: {error}")
        else:
            keys[number] = key
            lines[key.digest] = number
            if key.name is not None:
                lines[key.name] = number
    return KeyLines(keys, tuple(problems))


def parse_line(line: str) -> Key | None:
    """Return the key of a line; None where it is empty or a comment.

    Raises:
        KeyLineError: it holds something else.
    """
    words = _words(line)
    if not words:
        return None
    hashed, owner = _key(words[0])
    options = _options(words[1:])
    name = options.get("name")
    if name is not None and (not is_name(name) or name == words[0]):
        raise KeyLineError(BAD_NAME)
    limits = _limits(options)
    return Key(hashed, owner if name is None else owner_of_name(name), name, limits)


def render(key: Key) -> str:
    """Return the line of a key."""
    limits = key.limits
    options = {
        "name": key.name,
        **{option: getattr(limits, option) for option in _COUNTS},
        "models": ",".join(limits.models) or None,
    }
    words = [f"{option}={value}" for option, value in options.items() if value is not None]
    return " ".join([_DIGEST + key.digest.hex(), *words])


def added(text: str, key: Key) -> str:
    """Return ``text`` with one more line at its end."""
    before = text if text.endswith("\n") or not text else text + "\n"
    return f"{before}{render(key)}\n"


def without(text: str, name: str) -> str:
    """Return ``text`` without the keys of this name; all other lines stay as they are."""
    return "\n".join(line for line in text.split("\n") if _name(line) != name)


def is_name(text: str) -> bool:
    """Return whether a key may be called so."""
    return _NAME.fullmatch(text) is not None


def is_model(text: str) -> bool:
    """Return whether a model of this name can be written on a line."""
    return _MODEL.fullmatch(text) is not None


def _name(line: str) -> str | None:
    try:
        key = parse_line(line)
    except KeyLineError:
        return None
    return None if key is None else key.name


def _words(line: str) -> Sequence[str]:
    """Return the words of a line up to its comment."""
    words = line.split()
    comment = next((i for i, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:comment]


def _options(words: Sequence[str]) -> dict[str, str]:
    options: dict[str, str] = {}
    for word in words:
        option, sign, value = word.partition("=")
        if not sign or option not in _OPTIONS:
            raise KeyLineError(_EXPECTED)
        if option in options:
            message = f"{option} is given twice"
            raise KeyLineError(message)
        options[option] = value
    return options


def _key(word: str) -> tuple[bytes, str | None]:
    """Return the digest and the owner, if that is known, of the key that a line begins with."""
    if word.partition("=")[0] in _OPTIONS:
        message = "a line begins with its key"
        raise KeyLineError(message)
    if not word.startswith(_DIGEST):
        if len(word) < SHORTEST_KEY:
            message = f"a key has {SHORTEST_KEY} characters or more; shorter ones can be guessed"
            raise KeyLineError(message)
        return digest(word.encode()), owner_of_key(word.encode())
    figures = word.removeprefix(_DIGEST).lower()
    if not _HEX.fullmatch(figures):
        message = "after 'sha256:' come 64 hexadecimal digits"
        raise KeyLineError(message)
    return bytes.fromhex(figures), None


def _limits(options: Mapping[str, str]) -> KeyLimits:
    models = tuple(options["models"].split(",")) if "models" in options else ()
    if not all(map(is_model, models)):
        message = "models are names with commas between them"
        raise KeyLineError(message)
    requests, tokens, concurrency = (_count(options, option) for option in _COUNTS)
    return KeyLimits(requests, tokens, concurrency, models)


def _count(options: Mapping[str, str], option: str) -> int | None:
    value = options.get(option)
    if value is None:
        return None
    if not _COUNT.fullmatch(value):
        message = f"{option} is a whole number from 1 to 999999999"
        raise KeyLineError(message)
    return int(value)


def _check_digest(key: Key, lines: Mapping[bytes | str, int]) -> None:
    if key.digest in lines:
        message = f"the same key is on line {lines[key.digest]}"
        raise KeyLineError(message)


def _check_limits(key: Key, keys: Mapping[int, Key], lines: Mapping[bytes | str, int]) -> None:
    number = None if key.name is None else lines.get(key.name)
    if number is not None and keys[number].limits != key.limits:
        message = f"the keys of one name have the same limits; line {number} has others"
        raise KeyLineError(message)
