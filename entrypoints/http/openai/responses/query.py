"""What the query of a request for a kept response asks."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

_ENCRYPTED = "reasoning.encrypted_content"


@dataclass(frozen=True, slots=True)
class Query:
    """A query.

    Attributes:
        encrypted: reasoning items bring what can be sent back.
        stream: the response is wanted as a stream.
        starting_after: the number of the last record that the client has.
    """

    encrypted: bool = False
    stream: bool = False
    starting_after: int | None = None


def read(text: bytes) -> Query:
    """Return what a query string says; what it says beside is of no effect."""
    pairs = parse_qsl(text.decode("latin-1"))
    # SDKs write `include[]=a&include[]=b`.
    include = {value for name, value in pairs if name in ("include", "include[]")}
    given = dict(pairs)
    after = given.get("starting_after", "")
    return Query(
        encrypted=_ENCRYPTED in include,
        stream=given.get("stream") == "true",
        starting_after=int(after) if after.isdecimal() else None,
    )
