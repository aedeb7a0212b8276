"""What a backend without a model refuses, and the failures that a script can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain import errors as failures
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    UpstreamProtocolError,
    UpstreamUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# The kinds of failure by the words of a script, each with the code that it usually has.
KINDS: Mapping[str, tuple[type[ServiceError], str]] = {
    "invalid_request": (failures.InvalidRequestError, "invalid_value"),
    "context_length": (failures.InvalidRequestError, "context_length_exceeded"),
    "authentication": (failures.AuthenticationError, "invalid_api_key"),
    "permission": (failures.PermissionDeniedError, "permission_denied"),
    "not_found": (failures.NotFoundError, "model_not_found"),
    "conflict": (failures.ConflictError, "conflict"),
    "overloaded": (failures.OverloadedError, "server_busy"),
    "upstream": (failures.UpstreamError, "upstream_error"),
    "unavailable": (failures.UpstreamUnavailableError, "upstream_unavailable"),
    "timeout": (failures.UpstreamTimeoutError, "upstream_timeout"),
    "truncated": (failures.UpstreamProtocolError, "upstream_truncated"),
}


class SourceError(Exception):
    """A script or a recording that cannot be used; the text says what is wrong with it."""


def made(
    kind: str,
    message: str | None = None,
    code: str | None = None,
    retry_after_s: float | None = None,
) -> ServiceError:
    """Return a failure of one of ``KINDS``."""
    cls, usual = KINDS[kind]
    text = message or f"A scripted failure ({kind})."
    return cls(text, code=code or usual, retry_after_s=retry_after_s)


def model_not_found(model: str) -> NotFoundError:
    """Return the error for a model that nobody has written answers for."""
    message = f"The model '{model}' does not exist; GET /v1/models lists those that do."
    return NotFoundError(message, code="model_not_found", param="model")


def no_vectors(model: str) -> InvalidRequestError:
    """Return the error for vectors of a model that makes none."""
    message = f"The model '{model}' makes no vectors."
    return InvalidRequestError(message, code="unsupported_model", param="model")


def no_rule(model: str) -> InvalidRequestError:
    """Return the error for a request that a script says nothing of."""
    message = f"No rule of the script matches this request to the model '{model}'."
    return InvalidRequestError(message, code="script_no_rule")


def tool_not_offered(name: str) -> InvalidRequestError:
    """Return the error for a rule that calls what the request does not let it call."""
    message = f"The script calls the tool '{name}', which this request does not offer."
    return InvalidRequestError(message, code="script_tool_not_offered", param="tools")


def no_value() -> InvalidRequestError:
    """Return the error for a schema for which no value was made up."""
    message = (
        "The scripted model found no value that fits a strict schema of this request; "
        "write the answer in a script."
    )
    return InvalidRequestError(message, code="script_no_value")


def not_recorded(digest: str) -> InvalidRequestError:
    """Return the error for a request that the recording does not have."""
    message = f"This request was not recorded; its digest is {digest}."
    return InvalidRequestError(message, code="not_recorded")


def stopping() -> UpstreamUnavailableError:
    """Return the error for what the end of the service cuts short."""
    return UpstreamUnavailableError(
        "The scripted backend is stopping.", code="upstream_unavailable"
    )


def truncated() -> UpstreamProtocolError:
    """Return the error for an answer without an end."""
    message = "The model server ended its answer before it was complete."
    return UpstreamProtocolError(message, code="upstream_truncated")
