"""Keys that open the service, and what each of them may do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What may be done with a key; None for as much as one likes.

    Attributes:
        requests_per_minute: requests that make something.
        tokens_per_minute: tokens of prompts and answers together.
        concurrency: answers under way at a time.
        models: the models that may be asked; empty for all.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    models: tuple[str, ...] = ()


UNLIMITED = KeyLimits()


@dataclass(frozen=True, slots=True)
class Key:
    """A key, known by its digest alone.

    Attributes:
        owner: whose the things are that are made with it; None where that shows only when it
            is used, as no more than its digest is known.
        name: what people call it. Keys with one name are of one owner.
    """

    digest: bytes
    owner: str | None
    name: str | None = None
    limits: KeyLimits = UNLIMITED


def digest(key: bytes) -> bytes:
    """Return what ``key`` is compared by."""
    return hashlib.sha256(key).digest()


def owner_of_key(key: bytes) -> str:
    """Return the owner of what is made with a key that has no name."""
    # Of its own kind: what a store keeps tells nothing of what keys are compared by.
    return hashlib.blake2b(key, digest_size=16, person=b"owner").hexdigest()


def owner_of_name(name: str) -> str:
    """Return the owner of what is made with the keys of this name; never that of a key."""
    return hashlib.blake2b(name.encode(), digest_size=16, person=b"owner by name").hexdigest()
