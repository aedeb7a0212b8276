"""Ollama's errors to the domain's.

Texts change between versions and hold paths and registry names: a status or a known piece of
text decides, and the words that the caller reads are ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from adapters.ollama import wire
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    OverloadedError,
    ServiceError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)

_NOT_FOUND = 404
_TOO_MANY = 429
_UNAVAILABLE = 503
_REDIRECTS = range(300, 400)
_REFUSALS = range(400, 500)

_PROMPT_TOO_LONG = re.compile(
    r"exceeds the available context size|exceed_context_size|longer than the context length"
    r"|input length.*exceeds|exceeds the context length|exceeds the model's maximum context"
    r"|no user query found in messages"
)


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a piece of Ollama's text means."""

    pattern: re.Pattern[str]
    kind: type[ServiceError]
    message: str
    code: str
    param: str | None = None

    def error(self) -> ServiceError:
        return self.kind(self.message, code=self.code, param=self.param)


def _rule(
    pattern: str, kind: type[ServiceError], code: str, message: str, param: str | None = None
) -> _Rule:
    return _Rule(re.compile(pattern), kind, message, code, param)


# Ollama `server/routes.go`, `server/sched.go`, `llm/server.go` and the inner engine's texts.
_RULES = (
    _rule(
        "does not support tools",
        InvalidRequestError,
        "unsupported_parameter",
        "This model does not support tools.",
        "tools",
    ),
    _rule(
        "does not support thinking",
        InvalidRequestError,
        "unsupported_parameter",
        "This model does not support thinking.",
        "reasoning_effort",
    ),
    _rule(
        "invalid think value|think must be",
        InvalidRequestError,
        "invalid_value",
        "The model server does not know this thinking level.",
        "think",
    ),
    _rule(
        "does not support insert",
        InvalidRequestError,
        "unsupported_parameter",
        "This model cannot fill in the middle.",
        "suffix",
    ),
    _rule(
        "does not support (chat|generate|embeddings)",
        InvalidRequestError,
        "unsupported_model",
        "This model cannot do what this endpoint asks of it.",
        "model",
    ),
    _rule(
        "image input|support images|does not support image|missing data required for image"
        "|does not support multimodal",
        InvalidRequestError,
        "unsupported_content",
        "This model cannot see images.",
        "messages",
    ),
    _rule(
        "only supports one image",
        InvalidRequestError,
        "unsupported_content",
        "This model takes one image only.",
        "messages",
    ),
    _rule(
        "illegal base64|unknown format|failed to decode image|invalid image",
        InvalidRequestError,
        "invalid_image",
        "The model server cannot read an image of this request.",
        "messages",
    ),
    _rule(
        "top_logprobs must be",
        InvalidRequestError,
        "invalid_value",
        "top_logprobs must be between 0 and 20.",
        "top_logprobs",
    ),
    _rule(
        "invalid duration|missing unit in duration|Unsupported type",
        InvalidRequestError,
        "invalid_value",
        "keep_alive must be a number of seconds or a duration such as '5m'.",
        "keep_alive",
    ),
    _rule(
        "Failed to initialize samplers|failed to parse grammar|invalid format:|Unrecognized schema"
        "|json_schema|Unable to generate parser",
        InvalidRequestError,
        "invalid_json_schema",
        "The model server cannot take this JSON Schema.",
        "response_format",
    ),
    _rule(
        "logprobs is not supported",
        InvalidRequestError,
        "unsupported_parameter",
        "The model server gives no log probabilities for streams with tools.",
        "logprobs",
    ),
    _rule(
        "invalid model name|model is required",
        InvalidRequestError,
        "invalid_model",
        "This is not the name of a model.",
        "model",
    ),
    _rule(
        "Jinja Exception|While executing|roles must alternate|System message must be",
        InvalidRequestError,
        "unsupported_message_order",
        "The model's template does not take messages in this order.",
        "messages",
    ),
    _rule(
        "error parsing tool call",
        UpstreamError,
        "tool_call_parse_error",
        "The model wrote a tool call that cannot be read.",
    ),
    _rule(
        "out of memory|cudaMalloc|failed to allocate|requires more system memory|only.*available"
        "|unable to load full model",
        UpstreamUnavailableError,
        "insufficient_memory",
        "The model server has too little memory for this model.",
    ),
    _rule(
        "timed out waiting for",
        UpstreamTimeoutError,
        "model_load_timeout",
        "The model server took too long to load the model.",
    ),
    _rule(
        "unable to load model|failed to load model",
        UpstreamError,
        "model_load_failed",
        "The model server cannot load this model.",
    ),
    _rule(
        "server busy|maximum pending requests",
        OverloadedError,
        "server_busy",
        "The model server is busy; try again shortly.",
    ),
    _rule(
        "loading model|no slots available|unexpected server status",
        UpstreamUnavailableError,
        "upstream_unavailable",
        "The model server is not ready; try again shortly.",
    ),
    _rule(
        "unexpectedly stopped|error was encountered while running|process has terminated"
        "|no longer running",
        UpstreamError,
        "upstream_crashed",
        "The model server's engine stopped while it answered.",
    ),
)

_OPTION_TYPE = re.compile(r'option "(\w+)" must be of type (\w+)')


def stream_error(text: str, prompt: str = "messages") -> ServiceError:
    """Return what an error line inside a stream means.

    Args:
        text: Ollama's words.
        prompt: the client's name for what the model reads.
    """
    return _known(text, prompt) or UpstreamError(
        "The model server failed while it answered.", code="upstream_error"
    )


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
    text = _text(body)
    if status in _REDIRECTS:
        return UpstreamProtocolError(
            "The model server answered with a redirect, which is not followed.",
            code="upstream_redirect",
        )
    if status == _NOT_FOUND and model is not None:
        return model_not_found(model)
    if known := _known(text, prompt):
        return known
    if status in (_TOO_MANY, _UNAVAILABLE):
        return OverloadedError("The model server is busy; try again shortly.", code="server_busy")
    if status in _REFUSALS:
        return UpstreamError(
            f"The model server refused the request (status {status}).", code="upstream_refused"
        )
    return UpstreamError(f"The model server failed (status {status}).", code="upstream_error")


def model_not_found(model: str) -> NotFoundError:
    """Return the error that names the mend."""
    return NotFoundError(
        f"The model '{model}' is not installed. Run `ollama pull {model}` to install it.",
        code="model_not_found",
        param="model",
    )


def _text(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=wire.ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return body.decode("utf-8", "replace")


def _known(text: str, prompt: str) -> ServiceError | None:
    if _PROMPT_TOO_LONG.search(text):
        return _context_exceeded(text, prompt)
    if option := _OPTION_TYPE.search(text):
        name, kind = option.groups()
        return InvalidRequestError(
            f"The option '{name}' must be of type {kind}.",
            code="invalid_type",
            param=f"options.{name}",
        )
    return next((rule.error() for rule in _RULES if rule.pattern.search(text)), None)


def _context_exceeded(text: str, prompt: str) -> InvalidRequestError:
    message = f"The model's context is too short for the {prompt} of this request."
    try:
        inner = msgspec.json.decode(text, type=wire.InnerErrorBody).error
    except msgspec.DecodeError:
        counts = [int(number) for number in re.findall(r"\((\d+) tokens\)", text)]
        asked, limit = counts if len(counts) == 2 else (0, 0)  # noqa: PLR2004 - asked and limit
    else:
        asked, limit = inner.n_prompt_tokens, inner.n_ctx
    if asked and limit:
        message = (
            f"This model's maximum context length is {limit} tokens. "
            f"However, your {prompt} resulted in {asked} tokens."
        )
    return InvalidRequestError(message, code="context_length_exceeded", param=prompt)
