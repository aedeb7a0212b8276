"""Failures of engines, in our words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from domain.errors import (
    InvalidRequestError,
    ServiceError,
    UpstreamError,
    UpstreamProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_REDIRECTS = range(300, 400)
_REFUSALS = range(400, 500)


class Meaning(NamedTuple):
    """What a pattern in an engine's text means."""

    pattern: str
    kind: type[ServiceError]
    code: str
    message: str
    param: str | None = None


def known(text: str, meanings: Iterable[Meaning]) -> ServiceError | None:
    """Return what ``text`` means: the first of ``meanings`` whose pattern is in it, or None."""
    for pattern, kind, code, message, param in meanings:
        if re.search(pattern, text):
            return kind(message, code=code, param=param)
    return None


def by_status(status: int) -> UpstreamError:
    """Return what an answer means whose status says more than its words."""
    if status in _REDIRECTS:
        message = "The model server answered with a redirect, which is not followed."
        return UpstreamProtocolError(message, code="upstream_redirect")
    if status in _REFUSALS:
        message = f"The model server refused the request (status {status})."
        return UpstreamError(message, code="upstream_refused")
    return UpstreamError(f"The model server failed (status {status}).", code="upstream_error")


def failed() -> UpstreamError:
    """Return the error of an answer that failed for a reason that nobody foresaw."""
    return UpstreamError("The model server failed while it answered.", code="upstream_error")


def unreadable() -> UpstreamProtocolError:
    """Return the error of bytes that are no answer."""
    message = "The model server sent something that is not an answer."
    return UpstreamProtocolError(message, code="upstream_garbage")


def cut_short() -> UpstreamProtocolError:
    """Return the error of an answer that ends before it is complete."""
    message = "The model server ended its answer before it was complete."
    return UpstreamProtocolError(message, code="upstream_truncated")


def bad_call() -> UpstreamError:
    """Return the error of a tool call whose arguments are no JSON object."""
    message = "The model wrote a tool call that cannot be read."
    return UpstreamError(message, code="tool_call_parse_error")


def too_long(
    prompt: str, tokens: int | str = 0, most: int = 0, *, mend: str = "Shorten it."
) -> InvalidRequestError:
    """Return the error of a prompt for which the context is too short.

    Args:
        prompt: the client's name for what the model reads.
        tokens: how many it has; 0 where that is not known.
        most: how many the context holds; 0 likewise.
        mend: what the caller can do.
    """
    message = f"The model's context is too short for the {prompt} of this request. {mend}"
    if tokens and most:
        message = (
            f"This model's maximum context length is {most} tokens. "
            f"However, your {prompt} resulted in {tokens} tokens. {mend}"
        )
    return InvalidRequestError(message, code="context_length_exceeded", param=prompt)
