"""Values that clients keep for us without looking inside: thoughts and summaries.

They hold text that the client has seen or could have; so they are encoded, not encrypted,
whatever OpenAI's fields for them are called.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from enum import Enum


class Sealed(Enum):
    """What is inside; the version of its form is part of the mark."""

    THOUGHT = b"t1:"
    SUMMARY = b"s1:"


def seal(kind: Sealed, text: str) -> str:
    """Return ``text`` as an opaque value."""
    return b64encode(kind.value + text.encode("utf-8", "replace")).decode()


def unseal(kind: Sealed, value: str) -> str | None:
    """Return the text of an opaque value; None where it is none of ours."""
    try:
        data = b64decode(value, validate=True)
        return data.removeprefix(kind.value).decode() if data.startswith(kind.value) else None
    except (binascii.Error, ValueError):
        return None
