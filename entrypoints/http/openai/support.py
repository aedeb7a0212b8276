"""How request fields are supported, as data: for documents, for clients, and for tests.

An endpoint has its table in a module `support.py` beside its parser. Keys are paths in a body;
`messages[tool].content` is the content of messages of the role `tool`, `tools[custom]` a tool of
the type `custom`, and `[*]` any kind. What is accepted or refused is so with all that is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Status(StrEnum):
    """What becomes of a field."""

    HONOURED = "honoured"
    EMULATED = "emulated"
    ACCEPTED = "accepted"
    REFUSED = "refused"


MEANINGS: Mapping[Status, str] = {
    Status.HONOURED: "the model server does what it says",
    Status.EMULATED: "this service does what it says, where a model server knows no such thing",
    Status.ACCEPTED: "taken, checked, and without effect on the answer",
    Status.REFUSED: "status 400, and `param` names it",
}


@dataclass(frozen=True, slots=True)
class Support:
    """How a field is supported; ``note`` says what its name does not."""

    status: Status
    note: str = ""


Table: TypeAlias = Mapping[str, Support]


def honoured(note: str = "") -> Support:
    """Return the entry of a field that the model server follows."""
    return Support(Status.HONOURED, note)


def emulated(note: str) -> Support:
    """Return the entry of a field that this service follows by itself."""
    return Support(Status.EMULATED, note)


def accepted(note: str = "") -> Support:
    """Return the entry of a field that changes no answer."""
    return Support(Status.ACCEPTED, note)


def refused(note: str) -> Support:
    """Return the entry of a field that is not taken, with what to do instead."""
    return Support(Status.REFUSED, note)
