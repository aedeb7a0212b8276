from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from adapters.ollama.errors import status_error, stream_error
from domain import errors
from tests.support.transcripts import entries

if TYPE_CHECKING:
    from tests.support.transcripts import Transcript

INVALID = errors.InvalidRequestError
UPSTREAM = errors.UpstreamError
GONE = errors.UpstreamUnavailableError

# Ollama's words, and what they mean.
WORDS = {
    '"m" does not support tools': (INVALID, "unsupported_parameter", "tools"),
    '"m" does not support thinking': (INVALID, "unsupported_parameter", "reasoning_effort"),
    (
        "json: cannot unmarshal object into Go struct field "
        "ToolFunctionParameters.tools.function.parameters.required of type []string"
    ): (INVALID, "invalid_function_parameters", "tools"),
    'invalid think value: "x" (must be "high")': (INVALID, "invalid_value", "think"),
    '"m" does not support insert': (INVALID, "unsupported_parameter", "suffix"),
    '"m" does not support chat': (INVALID, "unsupported_model", "model"),
    '"m" does not support generate': (INVALID, "unsupported_model", "model"),
    "this model does not support embeddings": (INVALID, "unsupported_model", "model"),
    "this model is missing data required for image input": (
        INVALID,
        "unsupported_content",
        "messages",
    ),
    "vision model only supports one image per message": (
        INVALID,
        "unsupported_content",
        "messages",
    ),
    "illegal base64 data at input byte 4": (INVALID, "invalid_image", "messages"),
    "top_logprobs must be between 0 and 20": (INVALID, "invalid_value", "top_logprobs"),
    'time: missing unit in duration "300"': (INVALID, "invalid_value", "keep_alive"),
    "failed to parse grammar": (INVALID, "invalid_json_schema", "response_format"),
    'invalid format: "\\"yaml\\""; expected "json"': (
        INVALID,
        "invalid_json_schema",
        "response_format",
    ),
    "invalid model name": (INVALID, "invalid_model", "model"),
    "model is required": (INVALID, "invalid_model", "model"),
    "Jinja Exception: roles must alternate": (INVALID, "unsupported_message_order", "messages"),
    'option "seed" must be of type integer': (INVALID, "invalid_type", "options.seed"),
    "input length 9 exceeds maximum context length": (
        INVALID,
        "context_length_exceeded",
        "messages",
    ),
    "no user query found in messages": (INVALID, "context_length_exceeded", "messages"),
    "error parsing tool call: raw='{'": (UPSTREAM, "tool_call_parse_error", None),
    "cudaMalloc failed: out of memory": (GONE, "insufficient_memory", None),
    "model requires more system memory (9 GiB) than is available": (
        GONE,
        "insufficient_memory",
        None,
    ),
    "timed out waiting for llama runner to start": (
        errors.UpstreamTimeoutError,
        "model_load_timeout",
        None,
    ),
    "unable to load model: /srv/.ollama/models/blobs/x": (UPSTREAM, "model_load_failed", None),
    "server busy, please try again.  maximum pending requests exceeded": (
        errors.OverloadedError,
        "server_busy",
        None,
    ),
    "unexpected server status: llm server loading model": (GONE, "upstream_unavailable", None),
    "model runner has unexpectedly stopped": (UPSTREAM, "upstream_crashed", None),
}


@pytest.mark.parametrize("text", WORDS)
def test_known_words_have_their_meaning_in_a_stream_and_before_it(text: str) -> None:
    kind, code, param = WORDS[text]

    for error in (stream_error(text), status_error(500, json.dumps({"error": text}).encode(), "m")):
        assert (type(error), error.code, error.param) == (kind, code, param)
        assert "/srv" not in error.message
        assert error.message.endswith(".")


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        pytest.param(404, b'{"error":"x"}', errors.NotFoundError, "model_not_found", id="404"),
        pytest.param(307, b"", errors.UpstreamProtocolError, "upstream_redirect", id="redirect"),
        pytest.param(429, b"{}", errors.OverloadedError, "server_busy", id="429"),
        pytest.param(503, b"\xff", errors.OverloadedError, "server_busy", id="503"),
        pytest.param(401, b"null", UPSTREAM, "upstream_refused", id="401"),
        pytest.param(418, b"teapot", UPSTREAM, "upstream_refused", id="418"),
        pytest.param(500, b"", UPSTREAM, "upstream_error", id="500"),
        pytest.param(502, b"<html>", UPSTREAM, "upstream_error", id="502"),
        pytest.param(
            500, b"out of memory", GONE, "insufficient_memory", id="known words without JSON"
        ),
    ],
)
def test_a_status_decides_where_words_do_not(
    status: int, body: bytes, kind: type[errors.ServiceError], code: str
) -> None:
    error = status_error(status, body, "m")

    assert (type(error), error.code) == (kind, code)


def test_without_a_model_a_missing_page_is_a_refusal() -> None:
    assert status_error(404, b"404 page not found", None).code == "upstream_refused"


def test_a_missing_model_is_told_how_to_get_it() -> None:
    error = status_error(404, b"", "hf.co/a/b:q4")

    assert error.message == (
        "The model 'hf.co/a/b:q4' is not installed. Run `ollama pull hf.co/a/b:q4` to install it, "
        "or choose one in the list of models."
    )
    assert error.param == "model"


@pytest.mark.parametrize(
    ("text", "capability"),
    [('"m" does not support chat', "completion"), ("does not support embeddings", "embedding")],
)
def test_who_asks_the_wrong_kind_of_model_is_told_the_right_one(text: str, capability: str) -> None:
    assert f"choose one with '{capability}' among its" in stream_error(text).message


def test_unknown_words_in_a_stream_are_a_failure_in_our_words() -> None:
    error = stream_error("odd: /srv/secret")

    assert (type(error), error.code) == (UPSTREAM, "upstream_error")
    assert error.message == "The model server failed while it answered."


COUNTED = (
    "This model's maximum context length is 8 tokens. "
    "However, your messages resulted in 40 tokens. "
    "Shorten it, or have a longer context asked for (NUM_CTX; 'num_ctx' in a request)."
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            '{"error":{"message":"request exceeds the available context size","n_prompt_tokens":40,'
            '"n_ctx":8,"type":"exceed_context_size_error"}}',
            COUNTED,
            id="the engine's JSON",
        ),
        pytest.param(
            "the input (40 tokens) exceeds the context length (8 tokens)"
            " exceeds the available context size",
            COUNTED,
            id="text with counts",
        ),
        pytest.param(
            "input length exceeds the context length",
            "The model's context is too short for the messages of this request. "
            "Shorten it, or have a longer context asked for (NUM_CTX; 'num_ctx' in a request).",
            id="text without counts",
        ),
        pytest.param(
            '{"error":{"message":"exceed_context_size"}}',
            "The model's context is too short for the messages of this request. "
            "Shorten it, or have a longer context asked for (NUM_CTX; 'num_ctx' in a request).",
            id="JSON without counts",
        ),
    ],
)
def test_a_prompt_over_the_context_is_told_the_counts_where_known(text: str, message: str) -> None:
    assert stream_error(text).message == message


def test_the_field_at_fault_is_the_callers() -> None:
    error = status_error(400, b"input length exceeds the context length", "m", "prompt")

    assert error.param == "prompt"


@pytest.mark.parametrize(
    "transcript",
    [pytest.param(each, id=each.name) for each in entries() if each.outcome == "http_error"],
)
def test_recorded_refusals_have_a_meaning_of_their_own(transcript: Transcript) -> None:
    error = status_error(transcript.status, transcript.body, "m")

    assert error.code not in {None, "upstream_error"}
    assert "/" not in error.message


DEEP = "[" * 3000 + "]" * 3000
MANY = "9" * 5000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"exceeds the context length ({MANY} tokens) ({MANY} tokens)", id="digits"),
        pytest.param(f'{{"error":{{"x":{DEEP}}},"m":"exceed_context_size"}}', id="nesting"),
    ],
)
def test_words_that_nobody_can_read_are_told_without_them(text: str) -> None:
    told = stream_error(text), status_error(500, json.dumps({"error": text}).encode(), model="m")

    assert [error.code for error in told] == ["context_length_exceeded"] * 2


def test_a_refusal_that_is_nested_too_deeply_is_one() -> None:
    body = f'{{"x":{DEEP},"error":"no"}}'.encode()

    assert isinstance(status_error(500, body, model="m"), UPSTREAM)
