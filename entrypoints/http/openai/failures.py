"""Failures in the OpenAPI document: OpenAI's envelope, with an example for each status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from litestar.exceptions import HTTPException

from domain.errors import (
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from entrypoints.http import errors

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# The statuses of an endpoint, unless it declares others.
WITHOUT_BODY = frozenset({401, 403, 404, 429, 502, 503, 504})
WITH_BODY = WITHOUT_BODY | {400, 415}

SCHEMA: Mapping[str, object] = {
    "title": "Error",
    "description": "What every failure looks like.",
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string", "description": "What went wrong, in a sentence."},
                "type": {
                    "enum": [
                        "invalid_request_error",
                        "rate_limit_error",
                        "requests",
                        "tokens",
                        "server_error",
                    ],
                },
                "param": {"type": ["string", "null"], "description": "Path of the field at fault."},
                "code": {"type": ["string", "null"], "description": "The reason, for programs."},
            },
            "required": ["message", "type", "param", "code"],
        }
    },
    "required": ["error"],
}


def documented(statuses: Collection[int]) -> dict[str, Any]:
    """Return the responses of these statuses as OpenAPI has them."""
    shown = [(description, errors.envelope(error)) for description, error in _faults()]
    return {
        str(envelope.status): _failure(description, envelope)
        for description, envelope in shown
        if envelope.status in statuses
    }


def _failure(description: str, envelope: errors.Envelope) -> dict[str, Any]:
    example = msgspec.json.decode(envelope.body)
    media = {"schema": {"$ref": "#/components/schemas/Error"}, "example": example}
    failure: dict[str, Any] = {"description": description, "content": {"application/json": media}}
    if envelope.headers:
        failure["headers"] = {name: {"schema": {"type": "string"}} for name in envelope.headers}
    return failure


def _faults() -> list[tuple[str, Exception]]:
    """Return a failure of each status; its envelope is what a client would get."""
    return [
        (
            "The request cannot be understood or fulfilled; `param` names the field at fault.",
            InvalidRequestError(
                "Missing required parameter: 'messages'.",
                code="missing_required_parameter",
                param="messages",
            ),
        ),
        (
            "No key, or not one of this server's.",
            AuthenticationError("Incorrect API key provided.", code="invalid_api_key"),
        ),
        (
            "Not allowed here, or not to this key.",
            PermissionDeniedError(
                "This API key does not have access to the model 'nonesuch'.",
                code="model_not_found",
                param="model",
            ),
        ),
        (
            "There is no such model or object.",
            NotFoundError(
                "The model 'nonesuch' does not exist.", code="model_not_found", param="model"
            ),
        ),
        (
            "The body is not declared as JSON.",
            HTTPException(
                "The body must be JSON: send it with 'Content-Type: application/json'.",
                status_code=415,
            ),
        ),
        (
            "Too much to do, or the key's limits used up; ask again after `retry-after` seconds.",
            OverloadedError("The model server is busy; try again shortly.", code="server_busy"),
        ),
        (
            "The model server failed, or its answer makes no sense.",
            UpstreamProtocolError(
                "The model server ended its answer before it was complete.",
                code="upstream_truncated",
            ),
        ),
        (
            "The model server cannot be reached; ask again after `retry-after` seconds.",
            UpstreamUnavailableError(
                "The model server cannot be reached; where this service runs, "
                "`local-chat doctor` says how to mend it.",
                code="upstream_unavailable",
            ),
        ),
        (
            "The model server took too long.",
            UpstreamTimeoutError(
                "The model server was silent for too long.", code="upstream_timeout"
            ),
        ),
    ]
