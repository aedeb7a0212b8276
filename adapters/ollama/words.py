"""Ollama's words on what failed, and what they mean."""

from __future__ import annotations

from adapters.engines.failures import Meaning
from domain.errors import (
    InvalidRequestError,
    OverloadedError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)

_CHOOSE = (
    "This model cannot do what this endpoint asks of it: choose one with '{}' among its "
    "'capabilities' in the list of models."
)

# Ollama `server/routes.go`, `server/sched.go`, `llm/server.go` and the inner engine's texts.
WORDS = (
    Meaning(
        "does not support tools",
        InvalidRequestError,
        "unsupported_parameter",
        "This model does not support tools.",
        "tools",
    ),
    Meaning(
        r"cannot unmarshal .*tools\.function\.parameters",
        InvalidRequestError,
        "invalid_function_parameters",
        "The model server cannot take the schema of a tool: a part of it is of the wrong type.",
        "tools",
    ),
    Meaning(
        "does not support thinking",
        InvalidRequestError,
        "unsupported_parameter",
        "This model does not support thinking.",
        "reasoning_effort",
    ),
    Meaning(
        "invalid think value|think must be",
        InvalidRequestError,
        "invalid_value",
        "The model server does not know this thinking level.",
        "think",
    ),
    Meaning(
        "does not support insert",
        InvalidRequestError,
        "unsupported_parameter",
        "This model cannot fill in the middle.",
        "suffix",
    ),
    Meaning(
        "does not support (chat|generate)",
        InvalidRequestError,
        "unsupported_model",
        _CHOOSE.format("completion"),
        "model",
    ),
    Meaning(
        "does not support embeddings",
        InvalidRequestError,
        "unsupported_model",
        _CHOOSE.format("embedding"),
        "model",
    ),
    Meaning(
        "image input|support images|does not support image|missing data required for image"
        "|does not support multimodal",
        InvalidRequestError,
        "unsupported_content",
        "This model cannot see images.",
        "messages",
    ),
    Meaning(
        "only supports one image",
        InvalidRequestError,
        "unsupported_content",
        "This model takes one image only.",
        "messages",
    ),
    Meaning(
        "illegal base64|unknown format|failed to decode image|invalid image",
        InvalidRequestError,
        "invalid_image",
        "The model server cannot read an image of this request.",
        "messages",
    ),
    Meaning(
        "top_logprobs must be",
        InvalidRequestError,
        "invalid_value",
        "top_logprobs must be between 0 and 20.",
        "top_logprobs",
    ),
    Meaning(
        "invalid duration|missing unit in duration|Unsupported type",
        InvalidRequestError,
        "invalid_value",
        "keep_alive must be a number of seconds or a duration such as '5m'.",
        "keep_alive",
    ),
    Meaning(
        "Failed to initialize samplers|failed to parse grammar|invalid format:|Unrecognized schema"
        "|json_schema|Unable to generate parser",
        InvalidRequestError,
        "invalid_json_schema",
        "The model server cannot take this JSON Schema.",
        "response_format",
    ),
    Meaning(
        "logprobs is not supported",
        InvalidRequestError,
        "unsupported_parameter",
        "The model server gives no log probabilities for streams with tools.",
        "logprobs",
    ),
    Meaning(
        "invalid model name|model is required",
        InvalidRequestError,
        "invalid_model",
        "This is not the name of a model.",
        "model",
    ),
    Meaning(
        "Jinja Exception|While executing|roles must alternate|System message must be",
        InvalidRequestError,
        "unsupported_message_order",
        "The model's template does not take messages in this order.",
        "messages",
    ),
    Meaning(
        "error parsing tool call",
        UpstreamError,
        "tool_call_parse_error",
        "The model wrote a tool call that cannot be read.",
    ),
    Meaning(
        "out of memory|cudaMalloc|failed to allocate|requires more system memory|only.*available"
        "|unable to load full model",
        UpstreamUnavailableError,
        "insufficient_memory",
        "The model server has too little memory for this model.",
    ),
    Meaning(
        "timed out waiting for",
        UpstreamTimeoutError,
        "model_load_timeout",
        "The model server took too long to load the model.",
    ),
    Meaning(
        "unable to load model|failed to load model",
        UpstreamError,
        "model_load_failed",
        "The model server cannot load this model.",
    ),
    Meaning(
        "server busy|maximum pending requests",
        OverloadedError,
        "server_busy",
        "The model server is busy; try again shortly.",
    ),
    Meaning(
        "loading model|no slots available|unexpected server status",
        UpstreamUnavailableError,
        "upstream_unavailable",
        "The model server is not ready; try again shortly.",
    ),
    Meaning(
        "unexpectedly stopped|error was encountered while running|process has terminated"
        "|no longer running",
        UpstreamError,
        "upstream_crashed",
        "The model server's engine stopped while it answered.",
    ),
)
