"""The errors that every store raises alike.

They are shown to callers, who cannot mend them: what the operator has to know beyond the
sentence stands in the cause, which is logged.
"""

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


def newer() -> StoreError:
    """Return the error for a whole store of a version to come."""
    message = (
        "What RESPONSE_STORE names was written by a newer version of this service; "
        "run that one, or name another."
    )
    return StoreError(message, code="store_unreadable")


def foreign() -> StoreError:
    """Return the error for a database that belongs to something else."""
    message = "What RESPONSE_STORE names is the database of another program; name another."
    return StoreError(message, code="store_unreadable")


def failed(what: str) -> StoreError:
    """Return the error for a medium that fails; ``what`` is wrong with what is configured."""
    message = f"What RESPONSE_STORE names {what}."
    return StoreError(message, code="store_unavailable")
