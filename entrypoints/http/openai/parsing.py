"""Bodies to wire structs: strict, with errors that name the field."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec

from domain.errors import InvalidRequestError
from entrypoints.http.openai.complaints import UNKNOWN, invalid, split

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T", bound=msgspec.Struct)

# A free-form piece (a schema, say) is decoded to Python objects, which takes the loop's time.
FREE_FORM_LIMIT_BYTES = 256 * 1024
# All tools of a request: their schemas are gone through many times over.
TOGETHER_LIMIT_BYTES = 1024 * 1024
# What walks through one calls itself at each level.
FREE_FORM_DEPTH = 100
# So does looking for unknown fields, each name of which costs a pass.
_TOLERANT_LIMIT_BYTES = 1024 * 1024
_MOST_IGNORED = 32
_MALFORMED = re.compile(r"JSON is malformed: (.*)")
_UNSAFE_IN_HEADER = re.compile(r"[^!-~]")
_LONGEST_SHOWN = 100
_ALIKE = 0.8


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """A body, and the paths of the fields in it that do nothing."""

    wire: T
    ignored: tuple[str, ...] = ()


class BodyParser(Generic[T]):
    """Decodes bodies of one kind; build it once.

    Unknown fields inside objects are left out and reported. At the top they are refused, as
    OpenAI does, but for ``harmless`` ones; of ``elsewhere``, which other endpoints have, the error
    tells what to send here.
    """

    def __init__(
        self,
        kind: type[T],
        harmless: Collection[str] = (),
        elsewhere: Mapping[str, str] | None = None,
    ) -> None:
        self._kind = kind
        self._elsewhere = elsewhere or {}
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
            if UNKNOWN.match(split(str(error))[0]):
                return self._tolerate(body)
            raise invalid(str(error), self._kind) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _not_json(error) from error

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
                text, path = split(str(error))
                unknown = UNKNOWN.match(text)
                if unknown is None:
                    raise invalid(str(error), self._kind) from error
                ignored.append(_drop(tree, path, unknown[1]))
        message = "The body has too many fields that this endpoint does not know."
        raise InvalidRequestError(message, code="unknown_parameter")

    def _drop_harmless(self, tree: dict[str, Any]) -> list[str]:
        unknown = [name for name in tree if name not in self._known]
        for name in unknown:
            if name not in self._harmless:
                raise self._unknown(name)
            del tree[name]
        return unknown

    def _unknown(self, name: str) -> InvalidRequestError:
        if here := self._elsewhere.get(name):
            message = f"Unsupported parameter: '{name}'. On this endpoint, use {here}."
            return InvalidRequestError(message, code="unsupported_parameter", param=name)
        message = f"Unknown parameter: '{name}'."
        if len(name) <= _LONGEST_SHOWN and (
            close := difflib.get_close_matches(name, sorted(self._known), 1, _ALIKE)
        ):
            message += f" Did you mean '{close[0]}'?"
        return InvalidRequestError(message, code="unknown_parameter", param=name)


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


def check_together(parts: Iterable[msgspec.Raw | msgspec.UnsetType], param: str) -> None:
    """Return if the free-form parts of a request are not too large together.

    Raises:
        InvalidRequestError: they are.
    """
    if sum(len(bytes(it)) for it in parts if isinstance(it, msgspec.Raw)) > TOGETHER_LIMIT_BYTES:
        message = (
            f"The schemas of '{param}' are too large together: "
            f"at most {TOGETHER_LIMIT_BYTES} bytes are taken."
        )
        raise InvalidRequestError(message, code="string_above_max_length", param=param)


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


def _not_json(error: Exception | None = None) -> InvalidRequestError:
    # msgspec's words, none of the client's: a trailing comma, say, and where it is.
    fault = _MALFORMED.match(str(error))
    message = (
        f"The body of the request could not be parsed as JSON{f': {fault[1]}' if fault else ''}. "
        "It must be one UTF-8 JSON object, not nested too deeply."
    )
    return InvalidRequestError(message, code="invalid_json")


def ignored_header(parsed: Parsed[T], *more: str) -> dict[str, str]:
    """Return the header that names the fields which do nothing.

    Names inside the body are the client's own words: what a header cannot hold becomes ``?``.
    """
    names = [_UNSAFE_IN_HEADER.sub("?", name[:_LONGEST_SHOWN]) for name in (*parsed.ignored, *more)]
    return {"x-ignored-parameters": ", ".join(names)} if names else {}
