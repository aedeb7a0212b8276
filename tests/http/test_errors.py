"""Every failure has one status and one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from domain import errors
from domain.events import TextDelta
from tests.support import raw_http
from tests.support.fake_llm import FakeLLM
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_answers import error_line, failed, streamed, text_line
from tests.support.service import ASK, CHAT, service_of

if TYPE_CHECKING:
    from tests.support.service import Service


def error(
    message: str, kind: str, param: str | None = None, code: str | None = None
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


@pytest.mark.parametrize(
    ("failure", "status", "kind", "headers"),
    [
        pytest.param(
            errors.InvalidRequestError("No.", code="c", param="messages"),
            400,
            "invalid_request_error",
            {},
            id="invalid request",
        ),
        pytest.param(
            errors.NotFoundError("No.", code="model_not_found", param="model"),
            404,
            "invalid_request_error",
            {},
            id="not found",
        ),
        pytest.param(
            errors.OverloadedError("No.", code="server_busy"),
            429,
            "rate_limit_error",
            {"retry-after": "1"},
            id="overloaded",
        ),
        pytest.param(
            errors.RateLimitError("No.", resource="tokens", retry_after_s=1.2),
            429,
            "tokens",
            {"retry-after": "2"},
            id="rate limit",
        ),
        pytest.param(errors.UpstreamError("No."), 502, "server_error", {}, id="upstream"),
        pytest.param(
            errors.UpstreamProtocolError("No.", code="upstream_garbage"),
            502,
            "server_error",
            {},
            id="protocol",
        ),
        pytest.param(
            errors.UpstreamUnavailableError("No."),
            503,
            "server_error",
            {"retry-after": "2"},
            id="unavailable",
        ),
        pytest.param(errors.UpstreamTimeoutError("No."), 504, "server_error", {}, id="timeout"),
        pytest.param(
            errors.InvalidOutputError("No.", code="invalid_output"),
            502,
            "server_error",
            {"x-should-retry": "false"},
            id="output",
        ),
        pytest.param(
            errors.StoreError("No."), 503, "server_error", {"retry-after": "2"}, id="store"
        ),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_failure_before_the_first_event_has_its_status(
    failure: errors.ServiceError,
    status: int,
    kind: str,
    headers: dict[str, str],
    stream: bool,  # noqa: FBT001 - a case
) -> None:
    async with service_of(FakeLLM(failure)) as service:
        answer = await service.ask(ASK | {"stream": stream})

    assert (answer.status, answer.json) == (
        status,
        error("No.", kind, failure.param, failure.code),
    )
    shown = ("retry-after", "x-should-retry", "www-authenticate", "allow")
    assert {name: answer.headers[name] for name in shown if name in answer.headers} == headers
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_bug_is_a_plain_500_that_tells_nothing(
    service: Service,
    llm: FakeLLM,
    stream: bool,  # noqa: FBT001 - a case
) -> None:
    llm.play(ZeroDivisionError("inside /etc"))

    answer = await service.ask(ASK | {"stream": stream})

    assert (answer.status, answer.json) == (
        500,
        error(
            "The server failed; the request id finds the reason in its log.",
            "server_error",
            code="internal_error",
        ),
    )


async def test_an_unknown_model_says_how_to_get_it() -> None:
    async with FakeOllama() as server, service_of(server.url) as service:
        answer = await service.ask(ASK | {"model": "nope"})

    assert (answer.status, answer.json) == (
        404,
        error(
            (
                "The model 'nope' is not installed. Run `ollama pull nope` to install it, "
                "or choose one in the list of models."
            ),
            "invalid_request_error",
            "model",
            "model_not_found",
        ),
    )


async def test_a_model_server_that_is_gone_is_503() -> None:
    async with FakeOllama() as server, service_of(server.url) as service:
        await server.stop()
        answer = await service.ask(ASK)

    assert (answer.status, answer.json) == (
        503,
        error(
            (
                "The model server cannot be reached; where this service runs, "
                "`local-chat doctor` says how to mend it."
            ),
            "server_error",
            code="upstream_unavailable",
        ),
    )
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_prompt_over_the_context_is_told_both_counts(
    stream: bool,  # noqa: FBT001 - a case
) -> None:
    text = (
        '{"error":{"code":400,"message":"request (40 tokens) exceeds the available context size '
        '(8 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40,'
        '"n_ctx":8}}'
    )
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", failed(400, text))
        answer = await service.ask(ASK | {"stream": stream})

    assert (answer.status, answer.json) == (
        400,
        error(
            "This model's maximum context length is 8 tokens. However, your messages resulted in "
            "40 tokens. Shorten it, or have a longer context asked for "
            "(NUM_CTX; 'num_ctx' in a request).",
            "invalid_request_error",
            "messages",
            "context_length_exceeded",
        ),
    )


async def test_an_error_on_the_first_line_has_a_status_of_its_own() -> None:
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(error_line("llama runner process has terminated")))
        answer = await service.ask(ASK | {"stream": True})

    assert (answer.status, answer.json) == (
        502,
        error(
            "The model server's engine stopped while it answered.",
            "server_error",
            code="upstream_crashed",
        ),
    )


async def test_a_whole_answer_that_fails_midway_is_no_answer() -> None:
    async with FakeOllama() as server, service_of(server.url) as service:
        server.script("/api/chat", streamed(text_line("a"), error_line("odd: /srv/.ollama")))
        answer = await service.ask(ASK)

    assert (answer.status, answer.json) == (
        502,
        error("The model server failed while it answered.", "server_error", code="upstream_error"),
    )


async def test_one_failure_of_several_is_the_failure_of_all(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("a")], errors.UpstreamError("No."))

    answer = await service.ask(ASK | {"n": 3})

    assert (answer.status, answer.json) == (502, error("No.", "server_error"))
    assert all(stream.closed.is_set() for stream in llm.streams)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_a_wrong_method_is_told_the_right_ones(service: Service, method: str) -> None:
    answer = await service.ask(None, CHAT, method=method)

    assert (answer.status, answer.json) == (
        405,
        error(
            f"Not allowed to {method} on {CHAT}.",
            "invalid_request_error",
            code="method_not_supported",
        ),
    )
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/v1/foo", "/v1/chat", "/x;y", "/healthz/x"])
async def test_an_unknown_path_is_told_so(service: Service, path: str) -> None:
    answer = await service.ask({}, path)

    assert (answer.status, answer.json) == (
        404,
        error(
            f"Invalid URL (POST {path}): the endpoints are listed at /docs.",
            "invalid_request_error",
            code="unknown_url",
        ),
    )


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/v1/v1/chat/completions", "it is /v1/chat/completions here"),
        ("POST", "/v1/chat/completions/chat/completions", "it is /v1/chat/completions here"),
        ("GET", "/v1/chat/completions/models", "it is /v1/models here"),
        ("POST", "/v1/responses/responses", "it is /v1/responses here"),
        ("POST", "/v1/engines/x/completions", "it is /v1/completions here"),
        ("POST", "/api/chat", "OpenAI's API, at /v1"),
        ("GET", "/api/tags", "OpenAI's API, at /v1"),
    ],
)
async def test_a_base_url_that_is_wrong_is_told_the_right_one(
    service: Service, method: str, path: str, told: str
) -> None:
    answer = await service.ask({} if method == "POST" else None, path, method=method)

    assert answer.status in {404, 405}
    assert answer.json["error"]["code"] in {"unknown_url", "method_not_supported"}
    assert told in answer.json["error"]["message"]


async def test_head_brings_the_headers_of_get_alone(service: Service) -> None:
    reader, writer = await raw_http.send(service.port, "/v1/foo", method="HEAD")
    head = await raw_http.read_head(reader)
    writer.write(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    following = await raw_http.read_head(reader)
    await raw_http.hang_up(writer)

    assert (head.status, following.status) == (404, 200)
