"""Bodies to wire structs: strict, with errors that name the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec

from domain.errors import InvalidRequestError
from domain.messages import Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

T = TypeVar("T", bound=msgspec.Struct)

# A free-form piece (a schema, say) is decoded to Python objects, which takes the loop's time.
FREE_FORM_LIMIT_BYTES = 256 * 1024
# What walks through one calls itself at each level.
FREE_FORM_DEPTH = 100
# So does looking for unknown fields, each name of which costs a pass.
_TOLERANT_LIMIT_BYTES = 1024 * 1024
_MOST_IGNORED = 32
_UNSAFE_IN_HEADER = re.compile(r"[^!-~]")
_LONGEST_SHOWN = 100

# The last one counts: before it there may be the client's own words.
_AT = re.compile(r"^(.*) - at `(?:key` in `)?(\$[^`]*)`$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(.*)`$")
_EXPECTED = re.compile(r"^Expected `(.*)`, got `(.*)`$")
_BOUND = re.compile(r"^Expected `(int|float)` (>=|<=|>|<) (\S+)$")
_LENGTH = re.compile(r"^Expected `(array|object|str)` of length (>=|<=) (\d+)$")
_VALUE = re.compile(r"^Invalid (?:enum )?value (.*)$")

_KINDS = {"int": "integer", "float": "decimal", "str": "string"}


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """A body, and the paths of the fields in it that do nothing."""

    wire: T
    ignored: tuple[str, ...] = ()


class BodyParser(Generic[T]):
    """Decodes bodies of one kind; build it once.

    Unknown fields inside objects are left out and reported. At the top they are refused, as
    OpenAI does, but for ``harmless`` ones.
    """

    def __init__(self, kind: type[T], harmless: Collection[str] = ()) -> None:
        self._decode = msgspec.json.Decoder(kind).decode
        self._known = frozenset(field.encode_name for field in msgspec.structs.fields(kind))
        self._harmless = frozenset(harmless)

    def parse(self, body: bytes) -> Parsed[T]:
        """Return the wire struct that ``body`` holds.

        Raises:
            InvalidRequestError: it is not UTF-8, not JSON, nested too deeply, or breaks a rule
                of the struct; ``param`` is the path of the field at fault.
        """
        try:
            # msgspec lets invalid UTF-8 through in parts that it skips.
            body.decode()
            return Parsed(self._decode(body))
        except msgspec.ValidationError as error:
            if _UNKNOWN.match(_split(str(error))[0]):
                return self._tolerate(body)
            raise invalid(str(error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _not_json() from error

    def _tolerate(self, body: bytes) -> Parsed[T]:
        if len(body) > _TOLERANT_LIMIT_BYTES:
            message = "The body has fields that this endpoint does not know."
            raise InvalidRequestError(message, code="unknown_parameter")
        try:
            tree = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _not_json() from error
        ignored = self._drop_harmless(tree)
        while len(ignored) < _MOST_IGNORED:
            try:
                # Encoded again, for only bytes can become the Raw parts of a struct.
                return Parsed(self._decode(msgspec.json.encode(tree)), tuple(ignored))
            except msgspec.ValidationError as error:
                text, path = _split(str(error))
                unknown = _UNKNOWN.match(text)
                if unknown is None:
                    raise invalid(str(error)) from error
                ignored.append(_drop(tree, path, unknown[1]))
        message = "The body has too many fields that this endpoint does not know."
        raise InvalidRequestError(message, code="unknown_parameter")

    def _drop_harmless(self, tree: dict[str, Any]) -> list[str]:
        unknown = [name for name in tree if name not in self._known]
        for name in unknown:
            if name not in self._harmless:
                message = f"Unknown parameter: '{name}'."
                raise InvalidRequestError(message, code="unknown_parameter", param=name)
            del tree[name]
        return unknown


def _drop(tree: object, path: str, name: str) -> str:
    """Leave ``name`` out of the object at ``path`` and all of its kind; return where it was."""
    steps = re.findall(r"[^.\[\]]+", path)
    given: Any = tree
    for step in steps:
        given = given[int(step) if step.isdigit() else step]
    kind = _kind(given)
    for node in _everywhere(tree, steps):
        if _kind(node) == kind:
            node.pop(name, None)
    return re.sub(r"\d+", "", path) + f".{name}"


def _everywhere(node: object, steps: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the objects at the end of ``steps``, whose numbers stand for every place."""
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        if not steps:
            yield fields
        else:
            yield from _everywhere(fields.get(steps[0]), steps[1:])
    elif isinstance(node, list):
        for entry in cast("list[object]", node):
            yield from _everywhere(entry, steps[1:])


def _kind(node: dict[str, Any]) -> tuple[object, object]:
    """Return what tells the kinds of objects in one array apart."""
    return node.get("role"), node.get("type")


def free_form(raw: msgspec.Raw, param: str) -> dict[str, Any]:
    """Return the JSON object that ``raw`` holds.

    Raises:
        InvalidRequestError: it is not an object, too large, or nested too deeply.
    """
    if len(bytes(raw)) > FREE_FORM_LIMIT_BYTES:
        message = f"'{param}' is too large: at most {FREE_FORM_LIMIT_BYTES} bytes are taken."
        raise InvalidRequestError(message, code="string_above_max_length", param=param)
    try:
        tree = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.ValidationError as error:
        message = f"Invalid type for '{param}': expected an object."
        raise InvalidRequestError(message, code="invalid_type", param=param) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _not_json() from error
    if _is_deep(tree):
        message = f"Invalid '{param}': at most {FREE_FORM_DEPTH} levels of nesting are taken."
        raise InvalidRequestError(message, code="invalid_value", param=param)
    return tree


def _is_deep(tree: dict[str, Any]) -> bool:
    level: list[object] = [tree]
    for _ in range(FREE_FORM_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: object) -> Iterable[object]:
    if isinstance(node, dict):
        return cast("dict[str, object]", node).values()
    return cast("list[object]", node) if isinstance(node, list) else ()


def invalid(text: str) -> InvalidRequestError:
    """Return OpenAI's words for a complaint of msgspec's."""
    fault, path = _split(text)
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
        message = f"Invalid type for '{path}': expected {match[1]}, but got {match[2]} instead."
        code = "invalid_type"
    elif match := _VALUE.match(fault):
        message, code = f"Invalid value for '{path}': {match[1]}.", "invalid_value"
        if path.endswith(".role"):
            roles = ", ".join(f"'{role.value}'" for role in Role)
            message += f" Supported values are: {roles}."
    else:
        message, code = f"Invalid '{path}': {fault}.", "invalid_value"
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


def _split(text: str) -> tuple[str, str]:
    """Return a complaint and its path in OpenAI's spelling: ``messages[2].role``."""
    match = _AT.match(text)
    if match is None:
        return text, ""
    # ``[...]`` stands for a key of the client's own.
    path = match[2].removeprefix("$").removeprefix(".").replace("[...]", "")
    return match[1], path


def _not_json() -> InvalidRequestError:
    message = (
        "The body of the request could not be parsed as JSON. "
        "It must be one UTF-8 JSON object, not nested too deeply."
    )
    return InvalidRequestError(message, code="invalid_json")


def ignored_header(parsed: Parsed[T], *more: str) -> dict[str, str]:
    """Return the header that names the fields which do nothing.

    Names inside the body are the client's own words: what a header cannot hold becomes ``?``.
    """
    names = [_UNSAFE_IN_HEADER.sub("?", name[:_LONGEST_SHOWN]) for name in (*parsed.ignored, *more)]
    return {"x-ignored-parameters": ", ".join(names)} if names else {}
