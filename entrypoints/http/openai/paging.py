"""Lists in pages, as OpenAI's API has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qsl

from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

_MOST = 100
_DEFAULT = 20
# Python reads numbers of a few thousand digits at most.
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted.

    Attributes:
        newest_first: the list is turned round before anything else.
        after, before: ids between which the part lies; neither is in it.
    """

    limit: int = _DEFAULT
    newest_first: bool = True
    after: str | None = None
    before: str | None = None

    def of(self, whole: Sequence[T], id_of: Callable[[T], str]) -> tuple[list[T], bool]:
        """Return the part of ``whole``, which is oldest first, and whether more follows.

        Raises:
            InvalidRequestError: ``after`` or ``before`` is not in it.
        """
        entries = list(whole)
        if self.newest_first:
            entries.reverse()
        ids = [id_of(entry) for entry in entries]
        start = 0 if self.after is None else _place(ids, self.after, "after") + 1
        end = len(ids) if self.before is None else _place(ids, self.before, "before")
        part = entries[start:end]
        return part[: self.limit], len(part) > self.limit


def pairs(query: bytes) -> Mapping[str, list[str]]:
    """Return the values of a query string by their names; `name[]` is `name`."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        found.setdefault(name.removesuffix("[]"), []).append(value)
    return found


def page(query: bytes) -> Page:
    """Return the page that a query string asks for.

    Raises:
        InvalidRequestError: it asks for one that there cannot be.
    """
    given = {name: values[-1] for name, values in pairs(query).items()}
    text = given.get("limit", str(_DEFAULT))
    limit = int(text) if text.isdecimal() and len(text) <= _DIGITS else 0
    if not 1 <= limit <= _MOST:
        message = f"Invalid 'limit': expected an integer from 1 to {_MOST}."
        raise InvalidRequestError(message, code="invalid_value", param="limit")
    order = given.get("order", "desc")
    if order not in ("asc", "desc"):
        message = "Invalid value for 'order': expected 'asc' or 'desc'."
        raise InvalidRequestError(message, code="invalid_value", param="order")
    after, before = given.get("after") or None, given.get("before") or None
    return Page(limit, order == "desc", after, before)


def _place(ids: Sequence[str], wanted: str, param: str) -> int:
    try:
        return ids.index(wanted)
    except ValueError as error:
        message = f"Invalid '{param}': there is no item with the id '{wanted}' in this list."
        raise InvalidRequestError(message, code="invalid_value", param=param) from error
