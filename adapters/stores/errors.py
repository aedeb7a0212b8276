"""The errors that every store raises alike."""

from __future__ import annotations

from domain.errors import NotFoundError, StoreError


def missing(kind: str, missing_id: str) -> NotFoundError:
    """Return the error for what is not there; ``kind`` is ``Response``, say."""
    message = f"{kind} with id '{missing_id}' not found."
    return NotFoundError(message)


def full() -> StoreError:
    """Return the error for a value that no amount of forgetting makes room for."""
    message = "The response is larger than all the room that responses have here."
    return StoreError(message, code="response_too_large")


def unreadable() -> StoreError:
    """Return the error for bytes that this version does not understand."""
    message = "What is kept under this id was written by a version that this one cannot read."
    return StoreError(message, code="store_unreadable")
