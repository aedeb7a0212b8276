"""What the query of a request for a kept response asks."""

from __future__ import annotations

from dataclasses import dataclass

from entrypoints.http.openai.paging import pairs

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
    """Return what a query string says; what it says beside is of no effect."""
    given = pairs(text)
    after = given.get("starting_after", [""])[-1]
    return Query(
        encrypted=_ENCRYPTED in given.get("include", ()),
        stream=given.get("stream", [""])[-1] == "true",
        # A number of more digits is past every end, too.
        start=int(after[:_DIGITS]) + 1 if after.isdecimal() else 0,
    )
