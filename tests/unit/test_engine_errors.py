"""Engines' errors, and what they mean."""

from __future__ import annotations

import json

import pytest

from adapters.openai_upstream.errors import reported, status_error
from domain import errors

INVALID = errors.InvalidRequestError
UPSTREAM = errors.UpstreamError
GONE = errors.UpstreamUnavailableError
LATE = errors.UpstreamTimeoutError
BUSY = errors.OverloadedError

VLLM_TOO_LONG = "This model's maximum context length is 9 tokens. However, you requested 12 tokens"
SGLANG_TOO_LONG = "The input (12 tokens) is longer than the model's context length (9 tokens)."

# Statuses and words of vLLM, SGLang, llama.cpp's server, Ollama's /v1 and this service.
ANSWERS: list[tuple[int, object, type[errors.ServiceError], str, str | None]] = [
    (
        404,
        {"error": {"message": "The model `m` does not exist."}},
        errors.NotFoundError,
        "model_not_found",
        "model",
    ),
    (
        404,
        {"error": {"message": "no", "code": "model_not_found"}},
        errors.NotFoundError,
        "model_not_found",
        "model",
    ),
    (404, {"detail": "Not Found"}, INVALID, "unsupported_model", "model"),
    (
        400,
        {"object": "error", "message": VLLM_TOO_LONG, "code": 400},
        INVALID,
        "context_length_exceeded",
        "messages",
    ),
    (
        400,
        {
            "error": {
                "code": 400,
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 12,
                "n_ctx": 9,
            }
        },
        INVALID,
        "context_length_exceeded",
        "messages",
    ),
    (400, {"error": {"message": SGLANG_TOO_LONG}}, INVALID, "context_length_exceeded", "messages"),
    (
        400,
        {"error": {"message": '"auto" tool choice requires --enable-auto-tool-choice'}},
        INVALID,
        "unsupported_parameter",
        "tools",
    ),
    (
        400,
        {"error": {"message": "m is not a multimodal model"}},
        INVALID,
        "unsupported_content",
        "messages",
    ),
    (
        400,
        {"error": {"message": "The model does not support Embeddings API"}},
        INVALID,
        "unsupported_model",
        "model",
    ),
    (
        501,
        {"error": {"message": "This server does not support embeddings."}},
        INVALID,
        "unsupported_model",
        "model",
    ),
    (
        400,
        {"error": {"message": "Conversation roles must alternate: chat template"}},
        INVALID,
        "unsupported_message_order",
        "messages",
    ),
    (
        400,
        {"error": {"message": "failed to parse grammar"}},
        INVALID,
        "invalid_json_schema",
        "response_format",
    ),
    (
        400,
        {"error": {"message": "no", "param": "temperature"}},
        INVALID,
        "invalid_value",
        "temperature",
    ),
    (400, {"error": {"message": "no", "param": "x-secret"}}, UPSTREAM, "upstream_refused", None),
    (
        400,
        {"error": '"m" does not support thinking'},
        INVALID,
        "unsupported_parameter",
        "reasoning_effort",
    ),
    (422, {"detail": [{"loc": ["body"], "msg": "no"}]}, UPSTREAM, "upstream_refused", None),
    (401, {"error": "Unauthorized"}, UPSTREAM, "upstream_refused", None),
    (403, {}, UPSTREAM, "upstream_refused", None),
    (429, {}, BUSY, "server_busy", None),
    (
        503,
        {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}},
        GONE,
        "upstream_unavailable",
        None,
    ),
    (503, {"error": {"message": "The request queue is full."}}, BUSY, "server_busy", None),
    (503, {}, GONE, "upstream_unavailable", None),
    (408, {}, LATE, "upstream_timeout", None),
    (504, {}, LATE, "upstream_timeout", None),
    (500, {"error": {"message": "CUDA out of memory"}}, GONE, "insufficient_memory", None),
    (500, {"error": {"message": "/srv/x: EngineDeadError"}}, UPSTREAM, "upstream_error", None),
    (307, {}, errors.UpstreamProtocolError, "upstream_redirect", None),
]


@pytest.mark.parametrize("case", ANSWERS, ids=lambda case: f"{case[0]} {case[1]}"[:60])
def test_an_answer_has_its_meaning(
    case: tuple[int, object, type[errors.ServiceError], str, str | None],
) -> None:
    status, body, kind, code, param = case

    error = status_error(status, json.dumps(body).encode(), "m")

    assert type(error) is kind
    assert (error.code, error.param) == (code, param)
    assert "/" not in error.message.replace("https://", "")


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html>Bad Gateway</html>", b"null", b"[]"])
def test_a_body_that_is_none_of_these_is_a_failure(body: bytes) -> None:
    assert status_error(502, body, "m").code == "upstream_error"


def test_counts_are_told_where_an_engine_tells_them() -> None:
    for _, body, _, code, _ in ANSWERS:
        if code != "context_length_exceeded":
            continue
        error = status_error(400, json.dumps(body).encode(), "m", "prompt")

        assert error.param == "prompt"
        assert error.message == (
            "This model's maximum context length is 9 tokens. "
            "However, your prompt resulted in 12 tokens. Shorten it."
        )


def test_without_counts_the_error_says_what_is_too_long() -> None:
    error = reported("context_length_exceeded", "input")

    assert error.message == (
        "The model's context is too short for the input of this request. Shorten it."
    )


DEEP = "[" * 3000 + "]" * 3000
MANY = "9" * 5000


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(f'{{"x":{DEEP},"error":{{"message":"no"}}}}', id="nesting"),
        pytest.param(f'{{"error":{{"x":{DEEP}}}}}', id="nesting within"),
    ],
)
def test_a_refusal_that_nobody_can_read_is_one(body: str) -> None:
    assert isinstance(status_error(500, body.encode(), model="m"), UPSTREAM)


def test_numbers_that_nobody_can_read_are_left_out() -> None:
    message = f"maximum context length is {MANY} tokens, you requested {MANY} tokens"
    body = json.dumps({"error": {"message": message}}).encode()

    error = status_error(400, body, model="m")

    assert error.code == "context_length_exceeded"
    assert "999" not in error.message
