"""msgspec's complaints about bodies, in OpenAI's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError
from entrypoints.http.openai import allowed

if TYPE_CHECKING:
    import msgspec

# The last one counts: before it there may be the client's own words.
_AT = re.compile(r"^(.*) - at `(?:key` in `)?(\$[^`]*)`$", re.DOTALL)
UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_EXPECTED = re.compile(r"^Expected `(.*)`, got `(.*)`$")
_BOUND = re.compile(r"^Expected `(int|float)` (>=|<=|>|<) (\S+)$")
_LENGTH = re.compile(r"^Expected `(array|object|str)` of length (>=|<=) (\d+)$")
_VALUE = re.compile(r"^Invalid (?:enum )?value (.*)$")
_PATTERN = re.compile(r"^Expected `str` matching regex ")

_BAD = "invalid_value"
_KINDS = {"int": "integer", "float": "decimal", "str": "string"}


def invalid(text: str, body: type[msgspec.Struct]) -> InvalidRequestError:
    """Return OpenAI's words for a complaint of msgspec's about a ``body``."""
    fault, path = split(text)
    if match := _MISSING.match(fault):
        path = f"{path}.{match[1]}" if path else match[1]
        message, code = f"Missing required parameter: '{path}'.", "missing_required_parameter"
    elif match := _BOUND.match(fault):
        kind, sign, bound = _KINDS[match[1]], match[2], match[3]
        side = "minimum" if ">" in sign else "maximum"
        word = "below" if ">" in sign else "above"
        message = f"Invalid '{path}': {kind} {word} {side} value. Expected a value {sign} {bound}."
        code = f"{kind}_{word}_{side[:3]}_value"
    elif match := _LENGTH.match(fault):
        message, code = _length(path, _KINDS.get(match[1], match[1]), match[2], match[3])
    elif match := _EXPECTED.match(fault):
        expected, got = allowed.type_names(match[1]), allowed.type_names(match[2])
        message = f"Invalid type for '{path}': expected {expected}, but got {got} instead."
        code = "invalid_type"
    elif match := _VALUE.match(fault):
        words = ", ".join(f"'{word}'" for word in allowed.values(body, path))
        known = f" Supported values are: {words}." if words else ""
        message, code = f"Invalid value for '{path}': {match[1]}.{known}", _BAD
    else:
        fault = _PATTERN.sub("expected a string that matches the pattern ", fault)
        message, code = f"Invalid '{path}': {fault}.", _BAD
    if not path:
        message = message.replace(" for ''", " for the body").replace("Invalid ''", "Invalid body")
    return InvalidRequestError(message, code=code, param=path or None)


def _length(path: str, kind: str, sign: str, bound: str) -> tuple[str, str]:
    if sign == ">=" and bound == "1":
        return f"Invalid '{path}': empty {kind}. Expected at least one entry.", f"empty_{kind}"
    word, side = ("long", "max") if sign == "<=" else ("short", "min")
    over = "above" if sign == "<=" else "below"
    message = f"Invalid '{path}': {kind} too {word}. Expected a length {sign} {bound}."
    return message, f"{kind}_{over}_{side}_length"


def split(text: str) -> tuple[str, str]:
    """Return a complaint and its path in OpenAI's spelling: ``messages[2].role``."""
    match = _AT.match(text)
    if match is None:
        return text, ""
    # ``[...]`` stands for a key of the client's own.
    path = match[2].removeprefix("$").removeprefix(".").replace("[...]", "")
    return match[1], path
