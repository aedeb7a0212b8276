"""Engines' errors to the domain's.

Texts differ between engines and versions, and may quote the request: a status, a code or a known
piece of text decides, and the words that the caller reads are ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from adapters.engines import failures
from adapters.engines.decoding import UNREADABLE
from adapters.engines.failures import Meaning
from adapters.openai_upstream import wire
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_FOUND = 404
_REFUSALS = range(400, 500)

_TOO_LONG = re.compile(
    r"maximum context length|context_length_exceeded|exceeds the available context size"
    r"|exceed_context_size|longer than the model'?s context length|maximum model length"
    r"|context is too short|max_model_len"
)
_COUNTS = (
    re.compile(
        r"maximum context length (?:is|of) (?P<limit>\d{1,18}) tokens.*?(?P<asked>\d{1,18}) tokens"
    ),
    re.compile(r"\((?P<asked>\d{1,18}) tokens\).*context length \((?P<limit>\d{1,18}) tokens\)"),
)

# Fields of our clients' requests that a refusal may name.
_FIELDS = frozenset(
    {
        *("messages", "prompt", "input", "model", "tools", "tool_choice", "response_format"),
        *("temperature", "top_p", "max_tokens", "stop", "seed", "logprobs", "top_logprobs"),
        *("frequency_penalty", "presence_penalty", "reasoning_effort", "parallel_tool_calls"),
    }
)


_WORDS = (
    Meaning(
        r"enable-auto-tool-choice|tool-call-parser|does not support tools|tools? (?:is|are) not"
        r"|tools param requires",
        InvalidRequestError,
        "unsupported_parameter",
        "This model, or its server as it was started, does not support tools.",
        "tools",
    ),
    Meaning(
        r"not a multimodal model|image input|does not support image|support multimodal"
        r"|cannot see images|image_url.*not supported|at most 0 image",
        InvalidRequestError,
        "unsupported_content",
        "This model cannot see images.",
        "messages",
    ),
    Meaning(
        r"does not support (?:the )?(?:embeddings|chat|completions|generat)|embeddings? (?:is|are)"
        r" not supported|not an embedding model|model makes no vectors|is not a chat model"
        r"|cannot do what this endpoint",
        InvalidRequestError,
        "unsupported_model",
        "This model cannot do what this endpoint asks of it.",
        "model",
    ),
    Meaning(
        r"does not support (?:thinking|reasoning)|reasoning_effort|invalid reasoning value",
        InvalidRequestError,
        "unsupported_parameter",
        "This model server does not take this reasoning effort for this model.",
        "reasoning_effort",
    ),
    Meaning(
        r"chat template",
        InvalidRequestError,
        "unsupported_message_order",
        "The model's template does not take these messages.",
        "messages",
    ),
    Meaning(
        r"grammar|json.?schema|guided|structured output",
        InvalidRequestError,
        "invalid_json_schema",
        "The model server cannot take this JSON Schema.",
        "response_format",
    ),
    Meaning(
        r"out of memory|failed to allocate",
        UpstreamUnavailableError,
        "insufficient_memory",
        "The model server has too little memory for this request.",
    ),
    Meaning(
        r"loading model",
        UpstreamUnavailableError,
        "upstream_unavailable",
        "The model server is not ready; try again shortly.",
    ),
    Meaning(
        r"server.busy|too many requests|overloaded|queue is full",
        OverloadedError,
        "server_busy",
        "The model server is busy; try again shortly.",
    ),
)

_BY_STATUS: Mapping[int, tuple[type[ServiceError], str, str]] = {
    401: (
        UpstreamError,
        "upstream_refused",
        "The model server refuses this service's key (UPSTREAM_API_KEY).",
    ),
    403: (
        UpstreamError,
        "upstream_refused",
        "The model server refuses this service's key (UPSTREAM_API_KEY).",
    ),
    408: (UpstreamTimeoutError, "upstream_timeout", "The model server gave up waiting."),
    429: (OverloadedError, "server_busy", "The model server is busy; try again shortly."),
    503: (
        UpstreamUnavailableError,
        "upstream_unavailable",
        "The model server is not ready; try again shortly.",
    ),
    504: (UpstreamTimeoutError, "upstream_timeout", "The model server gave up waiting."),
}


def reported(failure: wire.Failure | str, prompt: str) -> ServiceError:
    """Return what a failure inside a stream means.

    Args:
        failure: the engine's words.
        prompt: the client's name for what the model reads.
    """
    return _known(_failure(failure), prompt) or failures.failed()


def status_error(
    status: int, body: bytes, model: str | None, prompt: str = "messages"
) -> ServiceError:
    """Return what an answer with an error status means.

    Args:
        status: the HTTP status; any but 200.
        body: the beginning of the answer's body.
        model: the model that the request named, where it named one.
        prompt: the client's name for what the model reads.
    """
    failure = _failure_of(body)
    if status == _NOT_FOUND and model is not None:
        return _missing(failure, model)
    if known := _known(failure, prompt):
        return known
    if status in _REFUSALS and failure.param in _FIELDS:
        return InvalidRequestError(
            f"The model server does not take this value of '{failure.param}'.",
            code="invalid_value",
            param=failure.param,
        )
    return _by_status(status)


def model_not_found(model: str) -> NotFoundError:
    """Return the error of a model that the server does not have."""
    message = f"The model server has no model '{model}'."
    return NotFoundError(message, code="model_not_found", param="model")


def _by_status(status: int) -> ServiceError:
    if status in _BY_STATUS:
        kind, code, message = _BY_STATUS[status]
        return kind(message, code=code)
    return failures.by_status(status)


def _missing(failure: wire.Failure, model: str) -> ServiceError:
    """Return whether it is the model that is missing, or the endpoint."""
    if failure.code == "model_not_found" or model in (failure.message or ""):
        return model_not_found(model)
    message = "This model server does not have what this endpoint needs."
    return InvalidRequestError(message, code="unsupported_model", param="model")


def _failure_of(body: bytes) -> wire.Failure:
    try:
        return _failure(msgspec.json.decode(body, type=wire.ErrorBody).error)
    except UNREADABLE:
        pass
    try:
        # As vLLM had it before it had OpenAI's form.
        return msgspec.json.decode(body, type=wire.Failure)
    except UNREADABLE:
        return wire.Failure(body.decode("utf-8", "replace"))


def _failure(given: wire.Failure | str) -> wire.Failure:
    return wire.Failure(given) if isinstance(given, str) else given


def _known(failure: wire.Failure, prompt: str) -> ServiceError | None:
    text = f"{failure.code or ''} {failure.type or ''} {failure.message or ''}"
    if _TOO_LONG.search(text):
        return _context_exceeded(failure, prompt)
    return failures.known(text.lower(), _WORDS)


def _context_exceeded(failure: wire.Failure, prompt: str) -> InvalidRequestError:
    asked, limit = failure.n_prompt_tokens, failure.n_ctx
    found = (pattern.search(failure.message or "") for pattern in _COUNTS)
    if not asked and (counts := next(filter(None, found), None)):
        asked, limit = int(counts["asked"]), int(counts["limit"])
    return failures.too_long(prompt, asked, limit)
