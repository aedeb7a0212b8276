"""What lies around the endpoints: the root, other spellings of paths, what is not served, CORS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.http.paths import plain
from tests.support import raw_http
from tests.support.service import ASK, service_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

KEY = {"authorization": "Bearer secret-key"}
PAGE = "https://chat.example.com"
OTHER = "https://other.example.com"


async def head_of(
    service: Service, path: str, method: str, headers: Mapping[str, str] | None = None
) -> raw_http.Head:
    """Return status and headers only: an answer to HEAD has a length and no body."""
    reader, writer = await raw_http.send(service.port, path, None, headers, method=method)
    head = await raw_http.read_head(reader)
    await raw_http.hang_up(writer)
    return head


def preflight(origin: str = PAGE, names: str = "authorization") -> dict[str, str]:
    return {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": names,
    }


def cors(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix("access-control-"): value
        for name, value in headers.items()
        if name.startswith("access-control-")
    }


async def test_the_root_answers_without_a_key(llm: FakeLLM) -> None:
    async with service_of(llm, api_key="secret-key") as service:
        answer = await service.ask(path="/")
        head = await head_of(service, "/", "HEAD")

    assert (answer.status, answer.json) == (200, {"status": "ok", "api": "/v1", "docs": "/docs"})
    assert (head.status, head.headers["content-length"]) == (200, str(len(answer.body)))
    assert (answer.headers["vary"], head.headers["vary"]) == ("accept", "accept")
    assert llm.requests == []


@pytest.mark.parametrize("path", ["/chat/completions", "/v1/chat/completions/"])
async def test_other_spellings_are_answered_in_place(service: Service, path: str) -> None:
    answer = await service.ask(ASK, path)

    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


@pytest.mark.parametrize(
    "path", ["/models", "/models/", "/v1/models/", "//v1/models", "/v1//models"]
)
async def test_the_list_of_models_is_found_in_any_spelling(service: Service, path: str) -> None:
    assert (await service.ask(path=path)).json["object"] == "list"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "/"),
        ("//", "/"),
        ("/v1", "/v1"),
        ("/v1/", "/v1"),
        ("/v1/models//", "/v1/models"),
        ("/embeddings", "/v1/embeddings"),
        ("/models/a/b:c", "/v1/models/a/b:c"),
        ("/modelsx", "/modelsx"),
        ("/docs/", "/docs"),
        ("/healthz", "/healthz"),
        ("/v1/v1/models", "/v1/v1/models"),
        ("", "/"),
    ],
)
def test_a_path_has_one_spelling(path: str, expected: str) -> None:
    assert plain(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/models",
        "/models/",
        "/v1/models/",
        "//v1/models",
        "///v1/models",
        "/v1//models",
        "/v1/./models",
        "/docs/../v1/models",
        "/healthz/../v1/models",
        "/docs%2f..%2fv1/models",
        "/%2e%2e/v1/models",
        "/v1/models%2f",
        "/%76%31/models",
        "/V1/models",
        "/v1/models;/docs",
        "/v1/models?/docs",
        "/v1/models#/healthz",
        "/healthzz",
        "/docsx/../models",
        "//",
        "//models",
        "/./",
        "/..",
        "/%2fv1/models",
        "/audio/speech",
        "/v1/audio/speech",
    ],
)
async def test_no_spelling_goes_past_the_key_check(llm: FakeLLM, path: str) -> None:
    async with service_of(llm, api_key="secret-key", cors_origins=PAGE) as service:
        without = await service.ask(path=path)

    # What is open is the root and what lies beneath the open paths; no models are there.
    assert b'"object"' not in without.body
    assert (
        without.status in {401, 404}
        or without.body == b'{"status":"ok","api":"/v1","docs":"/docs"}'
    )


@pytest.mark.parametrize("path", ["/models", "/v1/models/", "//v1/models", "/v1//models"])
async def test_with_a_key_other_spellings_are_served(llm: FakeLLM, path: str) -> None:
    async with service_of(llm, api_key="secret-key") as service:
        refused = await service.ask(path=path)
        answer = await service.ask(path=path, headers=KEY)

    assert (refused.status, answer.status) == (401, 200)


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        ("POST", "/v1/audio/speech", "audio"),
        ("POST", "/v1/audio/transcriptions", "audio"),
        ("POST", "/v1/images/generations", "images"),
        ("GET", "/v1/files", "files"),
        ("POST", "/v1/files/", "files"),
        ("DELETE", "/v1/files/file-1", "files"),
        ("GET", "//v1//files", "files"),
        ("POST", "/v1/batches", "batches"),
        ("POST", "/v1/fine_tuning/jobs", "fine-tuning"),
        ("GET", "/v1/assistants", "assistants"),
        ("POST", "/v1/threads/t/runs", "threads"),
        ("GET", "/v1/vector_stores", "vector stores"),
        ("POST", "/v1/moderations", "moderations"),
        ("GET", "/v1/realtime", "realtime sessions"),
        ("POST", "/v1/uploads", "uploads"),
        ("POST", "/v1/evals", "evals"),
        ("GET", "/v1/containers", "containers"),
        ("POST", "/v1/chatkit/sessions", "ChatKit"),
        ("POST", "/v1/content_provenance_checks", "content provenance checks"),
        ("GET", "/v1/organization/usage/completions", "administration of organizations"),
        ("GET", "/v1/projects/p/groups", "administration of projects"),
        ("GET", "/v1/skills", "skills"),
    ],
)
async def test_what_is_not_served_says_so(
    service: Service, method: str, path: str, what: str
) -> None:
    answer = await service.ask(path=path, method=method)

    error: dict[str, Any] = answer.json["error"]
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/json"
    assert error["message"].startswith(f"This server does not have OpenAI's {what}:")
    assert (error["type"], error["param"], error["code"]) == (
        "invalid_request_error",
        None,
        "unsupported_endpoint",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("GET", "/v1/chat/completions/chatcmpl-1"),
        ("POST", "/v1/chat/completions/chatcmpl-1"),
        ("DELETE", "/v1/chat/completions/chatcmpl-1"),
        ("GET", "/v1/chat/completions/chatcmpl-1/messages"),
    ],
)
async def test_chat_completions_of_the_past_are_not_kept(
    service: Service, method: str, path: str
) -> None:
    answer = await service.ask(path=path, method=method)

    assert answer.status == 404
    assert answer.json["error"]["code"] == "not_stored"


async def test_an_unknown_path_is_openais_404(service: Service) -> None:
    answer = await service.ask(path="/v1/nope")

    assert (answer.status, answer.json["error"]["code"]) == (404, "unknown_url")


async def test_pages_may_not_ask_unless_settings_name_them(service: Service) -> None:
    answer = await service.ask(path="/v1/models", headers={"origin": PAGE})
    before = await head_of(service, "/v1/models", "OPTIONS", preflight())

    assert cors(answer.headers) == {}
    assert cors(before.headers) == {}


@pytest.mark.parametrize("origins", [PAGE, f"{OTHER}, {PAGE.upper()}/"])
async def test_a_preflight_needs_no_key(llm: FakeLLM, origins: str) -> None:
    names = "Authorization, content-type, x-api-key, X-Stainless-OS, openai-beta, x-evil"
    async with service_of(llm, api_key="secret-key", cors_origins=origins) as service:
        head = await head_of(service, "/v1/chat/completions", "OPTIONS", preflight(names=names))

    assert head.status == 204
    assert cors(head.headers) == {
        "allow-origin": PAGE,
        "allow-methods": "GET, POST, DELETE, HEAD, OPTIONS",
        "allow-headers": "authorization, content-type, x-api-key, x-stainless-os, openai-beta",
        "max-age": "600",
    }
    assert head.headers["vary"] == "origin"
    assert llm.requests == []


async def test_a_page_of_another_origin_is_not_allowed(llm: FakeLLM) -> None:
    async with service_of(llm, cors_origins=PAGE) as service:
        before = await head_of(service, "/v1/models", "OPTIONS", preflight(OTHER))
        answer = await service.ask(path="/v1/models", headers={"origin": OTHER})

    assert cors(before.headers) == cors(answer.headers) == {}
    assert answer.headers["vary"] == "origin"


async def test_every_answer_to_a_page_can_be_read_errors_too(llm: FakeLLM) -> None:
    async with service_of(llm, api_key="secret-key", cors_origins=PAGE) as service:
        answer = await service.ask(path="/v1/models", headers=KEY | {"origin": PAGE})
        refused = await service.ask(path="/v1/models", headers={"origin": PAGE})
        stream = await service.ask(ASK | {"stream": True}, headers=KEY | {"origin": PAGE})
        plain_answer = await service.ask(path="/v1/models", headers=KEY)

    assert (answer.status, refused.status, stream.status) == (200, 401, 200)
    for one in (answer, refused, stream):
        assert one.headers["access-control-allow-origin"] == PAGE
        assert "x-request-id" in one.headers["access-control-expose-headers"]
    assert cors(plain_answer.headers) == {}


async def test_any_origin_is_a_star_and_never_with_credentials(llm: FakeLLM) -> None:
    async with service_of(llm, cors_origins="*") as service:
        before = await head_of(
            service,
            "/v1/models",
            "OPTIONS",
            preflight() | {"access-control-request-private-network": "true"},
        )
        answer = await service.ask(path="/v1/models", headers={"origin": OTHER})

    for headers in (before.headers, answer.headers):
        assert headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in headers
        assert "vary" not in headers
    assert before.headers["access-control-allow-private-network"] == "true"


async def test_options_that_are_no_preflight_need_a_key(llm: FakeLLM) -> None:
    async with service_of(llm, api_key="secret-key", cors_origins="*") as service:
        head = await head_of(service, "/v1/models", "OPTIONS", {"origin": PAGE})

    assert head.status == 401
