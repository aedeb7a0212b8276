"""Failures to OpenAI's error envelope; the one place that knows statuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

import msgspec
import structlog
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from application.work import WORK
from domain import errors
from entrypoints.http.calls import method
from entrypoints.http.replies import JSONReply

if TYPE_CHECKING:
    from litestar.types import Scope

_log = structlog.stdlib.get_logger()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, dict[str, str | None]]).decode

INTERNAL = 500
_SERVER_FAULTS = 500

# Subclasses first: the first match counts.
_STATUSES: tuple[tuple[type[errors.ServiceError], int, str], ...] = (
    (errors.InvalidRequestError, 400, "invalid_request_error"),
    (errors.AuthenticationError, 401, "invalid_request_error"),
    (errors.PermissionDeniedError, 403, "invalid_request_error"),
    (errors.NotFoundError, 404, "invalid_request_error"),
    (errors.ConflictError, 409, "invalid_request_error"),
    (errors.OverloadedError, 429, "rate_limit_error"),
    (errors.ClientDisconnectedError, 499, "invalid_request_error"),
    (errors.StoreError, 503, "server_error"),
    (errors.UpstreamUnavailableError, 503, "server_error"),
    (errors.UpstreamTimeoutError, 504, "server_error"),
    (errors.UpstreamError, 502, "server_error"),
)

# Seconds after which asking again is worth it, for the statuses that say so.
_RETRY_AFTER = {429: "1", 503: "2"}

_ENDPOINTS = ("/chat/completions", "/completions", "/responses", "/embeddings", "/models")

# Codes of faults that asking again does not mend; the official clients would try three times.
_LASTING = frozenset(
    {
        "invalid_output",
        "invalid_tool_call",
        "model_load_failed",
        "response_too_large",
        "store_unreadable",
    }
)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A failure as it goes out."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def envelope(error: Exception, scope: Scope | None = None) -> Envelope:
    """Return what the client is told of ``error``: anything unforeseen is a plain 500."""
    work = WORK.get()
    if work is not None:
        work.outcome = _outcome(error)
    match error:
        case errors.ServiceError():
            return _of_service_error(error)
        case HTTPException():
            return _of_http_exception(error, scope)
        case _:
            message = "The server failed; the request id finds the reason in its log."
            return Envelope(INTERNAL, encode(message, "server_error", code="internal_error"))


def reply(error: Exception, scope: Scope) -> JSONReply:
    """Return the answer to a request that failed, and record the failure."""
    shown = envelope(error, scope)
    log(error, shown)
    return JSONReply(shown.body, shown.status, shown.headers)


def encode(message: str, kind: str, *, code: str | None, param: str | None = None) -> bytes:
    """Return the body that every error has."""
    return _encode({"error": {"message": message, "type": kind, "param": param, "code": code}})


def event(shown: Envelope) -> bytes:
    """Return a failure as an event on a WebSocket; there its code is always a word."""
    error = _decode(shown.body)["error"]
    error["code"] = error["code"] or error["type"]
    return _encode({"type": "error", "status": shown.status, "error": error})


def log(error: Exception, shown: Envelope) -> None:
    """Record a failure: a foreseen one in a line with its cause, a bug with its traceback."""
    if isinstance(error, errors.ClientDisconnectedError):
        _log.info("client_disconnected")
        return
    if isinstance(error, errors.ServiceError | HTTPException):
        if shown.status >= _SERVER_FAULTS:
            cause = error.__cause__
            # This one's words quote the model's answer.
            told = not isinstance(error, errors.InvalidOutputError)
            _log.warning(
                "request_failed",
                status=shown.status,
                code=getattr(error, "code", None),
                error=str(error) if told else None,
                cause=type(cause).__name__ if cause else None,
            )
        return
    _log.error("request_crashed", exc_info=error)


def _outcome(error: Exception) -> str:
    """Return the word for ``error`` in the log's line of its request."""
    match error:
        case errors.ClientDisconnectedError():
            return "client_left"
        case errors.ServiceError():
            return error.code or "refused"
        case HTTPException():
            return "refused"
        case _:
            return "internal_error"


def _of_service_error(error: errors.ServiceError) -> Envelope:
    status, kind = next((s, k) for cls, s, k in _STATUSES if isinstance(error, cls))
    headers: dict[str, str] = {}
    if error.retry_after_s is not None:
        # Rounded up: whoever comes earlier comes in vain.
        headers["retry-after"] = str(max(1, ceil(error.retry_after_s)))
    elif status in _RETRY_AFTER:
        headers["retry-after"] = _RETRY_AFTER[status]
    if isinstance(error, errors.RateLimitError):
        kind = error.resource
    if error.code in _LASTING:
        headers["x-should-retry"] = "false"
    if isinstance(error, errors.AuthenticationError):
        headers["www-authenticate"] = "Bearer"
    body = encode(error.message, kind, code=error.code, param=error.param)
    return Envelope(status, body, headers)


def _asked(scope: Scope | None) -> tuple[str, str]:
    if scope is None:
        return "", ""
    return method(scope), scope["path"]


def meant(path: str) -> str | None:
    """Return the endpoint that a client meant which adds it to a base URL that is too long."""
    end = next((end for end in _ENDPOINTS if path.endswith(end)), None)
    return None if path == f"/v1{end}" else end


def _way(path: str) -> str:
    if end := meant(path):
        return f": it is /v1{end} here; the client's base URL has to end in /v1, once."
    if path.startswith("/api/"):
        return ": this server has OpenAI's API, at /v1; for Ollama's own, ask the Ollama behind it."
    return ": the endpoints are listed at /docs."


def _of_http_exception(error: HTTPException, scope: Scope | None) -> Envelope:
    verb, path = _asked(scope)
    headers = dict(error.headers or {})
    code: str | None = None
    match error:
        case NotFoundException():
            message, code = f"Invalid URL ({verb} {path}){_way(path)}", "unknown_url"
        case MethodNotAllowedException():
            message, code = f"Not allowed to {verb} on {path}", "method_not_supported"
            message += _way(path) if meant(path) else "."
        case _ if error.status_code == 415:  # noqa: PLR2004 - HTTP's own number
            message, code = error.detail, "unsupported_content_type"
        case _ if error.status_code == 413:  # noqa: PLR2004 - HTTP's own number
            message, code = "The body of the request is too large.", "request_too_large"
            headers["connection"] = "close"
        case _:
            message = error.detail
    kind = "server_error" if error.status_code >= _SERVER_FAULTS else "invalid_request_error"
    return Envelope(error.status_code, encode(message, kind, code=code), headers)
