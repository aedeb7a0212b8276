"""What the query of a request for a kept response asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from domain.errors import InvalidRequestError
from entrypoints.http.openai.paging import pairs
from entrypoints.http.openai.responses import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}
_ENCRYPTED = "reasoning.encrypted_content"
# Python reads numbers of a few thousand digits at most.
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Attributes:
        encrypted: reasoning items bring what can be sent back.
        stream: the response is wanted as a stream.
        start: the number of the first record that the client wants.
    """

    encrypted: bool = False
    stream: bool = False
    start: int = 0


def read(text: bytes) -> Query:
    """Return what a query string says; parameters of other names are of no effect.

    Raises:
        InvalidRequestError: a value is none that its parameter takes.
    """
    given = pairs(text)
    after = given.get("starting_after", [""])[-1]
    if after and not (after.isascii() and after.isdecimal()):
        raise _invalid(param="starting_after", wanted="expected the number of an event")
    streamed = _FLAGS.get(given.get("stream", [""])[-1].lower())
    if streamed is None:
        raise _invalid(param="stream", wanted="expected 'true' or 'false'")
    return Query(
        encrypted=_ENCRYPTED in _included(given.get("include", ())),
        stream=streamed,
        # A number of more digits is past every end, too.
        start=int(after[:_DIGITS]) + 1 if after else 0,
    )


def _included(names: Iterable[str]) -> Iterable[str]:
    known = get_args(wire.Include)
    if any(name not in known for name in names):
        raise _invalid(param="include", wanted=f"expected some of {', '.join(map(repr, known))}")
    return names


def _invalid(*, param: str, wanted: str) -> InvalidRequestError:
    message = f"Invalid value for '{param}': {wanted}."
    return InvalidRequestError(message, code="invalid_value", param=param)
