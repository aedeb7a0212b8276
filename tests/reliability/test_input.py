"""R05 to R07, R09, R11, R12, R30, R40: what a request may say."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import asking, raw_http
from tests.support.process import started
from tests.support.raw_server import RawConnection, raw_server
from tests.support.service import ASK, CHAT, MODEL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.standing import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = "application/json"
POSTS: Mapping[str, Any] = {
    CHAT: ASK,
    "/v1/completions": {"prompt": "Hi"},
    "/v1/embeddings": {"input": "Hi", "model": "embedder"},
    "/v1/responses": {"input": "Hi"},
    "/v1/responses/input_tokens": {"input": "Hi"},
    "/v1/responses/compact": {"input": "Hi", "model": MODEL},
    "/v1/conversations": {},
}
GETS = ("/healthz", "/readyz", "/v1/models", f"/v1/models/{MODEL}", "/docs")


async def refused(stand: Stand, path: str, body: bytes, kind: str = JSON) -> int:
    """Return the status that a request is refused with, in OpenAI's shape and without a model."""
    headers = {"content-type": kind, "content-length": str(len(body))}
    answer = await stand.ask(body, path, headers, method="POST")
    assert answer.headers["content-type"] == JSON
    asking.error_of(answer.json)
    assert stand.server.requests == []
    return answer.status


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/msgpack",
        "application/jsonx",
        "text/plain; application/json",
    ],
)
async def test_what_is_not_declared_as_json_is_refused(stand: Stand, path: str, kind: str) -> None:
    await stand.forget()

    assert await refused(stand, path, json.dumps(POSTS[path]).encode(), kind) == 415


def nested(depth: int, before: str, opening: str = "[", closing: str = "]") -> bytes:
    return (before + opening * depth + closing * depth).encode()


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("depth", [2_000, 100_000])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", b"", id="at the top"),
        pytest.param('{"nobody_knows":', b"}", id="in an unknown field"),
        pytest.param('{"messages":[{"role":"user","content":', b"}]}", id="in a message"),
        pytest.param('{"input":', b"}", id="in an input"),
        pytest.param('{"metadata":{"a":', b"}}", id="in metadata"),
        pytest.param(
            '{"tools":[{"type":"function","function":{"name":"f","parameters":',
            b'}}],"messages":[{"role":"user","content":"Hi"}]}',
            id="in a schema",
        ),
    ],
)
async def test_what_is_nested_too_deeply_is_refused(
    stand: Stand, path: str, depth: int, before: str, after: bytes
) -> None:
    await stand.forget()

    assert await refused(stand, path, nested(depth, before) + after) == 400


@pytest.mark.parametrize(
    ("path", "field", "flat"),
    [
        (CHAT, "tools", False),
        (CHAT, "functions", True),
        ("/v1/responses", "tools", True),
    ],
)
async def test_schemas_that_are_too_large_together_are_refused(
    stand: Stand, path: str, field: str, *, flat: bool
) -> None:
    await stand.forget()
    large = {"type": "object", "description": "a" * 200_000}
    functions = [{"name": f"f{number}", "parameters": large} for number in range(6)]
    given = [
        it if field == "functions" else {"type": "function"} | (it if flat else {"function": it})
        for it in functions
    ]
    asked = {"input": "Hi"} if path != CHAT else ASK

    answer = await stand.ask({**asked, field: given}, path)
    fewer = await stand.ask({**asked, field: given[:1]}, path)

    error = answer.json["error"]
    assert (answer.status, error["param"]) == (400, field)
    assert error["code"] == "string_above_max_length"
    # This one the model is asked with: it knows no tools.
    assert fewer.json["error"]["code"] == "unsupported_parameter"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b'{"model":"\xff"}', id="no UTF-8 in a string"),
        pytest.param(b'{"\xc3\x28":1}', id="no UTF-8 in a name"),
        pytest.param(b'{"nobody_knows":"\xff"}', id="no UTF-8 in an unknown field"),
        pytest.param('{"model":"a"}'.encode("utf-16"), id="UTF-16"),
        pytest.param('{"model":"a"}'.encode("utf-32"), id="UTF-32"),
        pytest.param(b'\xef\xbb\xbf{"model":"a"}', id="a byte order mark"),
        pytest.param(b'{"model":"\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"temperature":NaN}', id="NaN"),
        pytest.param(b'{"temperature":Infinity}', id="Infinity"),
        pytest.param(b'{"temperature":1e999}', id="1e999"),
        pytest.param(b'{"seed":' + b"9" * 6000 + b"}", id="an endless number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"0", id="a number"),
        pytest.param(b'"a"', id="a string"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b"{}x", id="more than an object"),
        pytest.param(b"{", id="half an object"),
    ],
)
async def test_what_is_no_request_is_refused(stand: Stand, path: str, body: bytes) -> None:
    await stand.forget()
    if path == "/v1/conversations" and not body:
        pytest.skip("nothing is what most conversations begin with")

    assert await refused(stand, path, body) == 400


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nowhere", 404, None),
        ("POST", "/v1", 404, None),
        ("POST", "/v1/chat", 404, None),
        ("DELETE", CHAT, 405, {"POST"}),
        ("PUT", "/v1/embeddings", 405, {"POST"}),
        ("POST", "/v1/models", 405, {"GET"}),
        ("POST", "/healthz", 405, {"GET"}),
        ("BREW", "/healthz", 400, None),
    ],
)
async def test_what_is_not_there_says_what_is(
    stand: Stand, method: str, path: str, status: int, allow: set[str] | None
) -> None:
    answer = await stand.ask(path=path, method=method)

    assert answer.status == status
    asking.error_of(answer.json)
    if allow is not None:
        named = {name.strip() for name in answer.headers["allow"].split(",")}
        assert allow <= named
        assert method not in named


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", CHAT])
async def test_head_has_no_body(stand: Stand, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    for method in ("HEAD", "GET"):
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    first = await raw_http.read_head(reader)
    # A body would come here.
    second = await raw_http.read_head(reader)
    writer.transport.abort()

    assert first.status in {200, 404, 405}
    assert second.status in {200, 404, 405}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (CHAT, "GET, OPTIONS, POST"),
        ("/v1/models/llama3", "DELETE, GET, OPTIONS"),
        ("/v1/conversations/x", "DELETE, GET, OPTIONS, POST"),
    ],
)
async def test_options_tell_the_methods(stand: Stand, path: str, methods: str) -> None:
    answer = await stand.ask(path=path, method="OPTIONS")

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["allow"] == methods


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("LOCALHOST:PORT", True),
        ("127.0.0.1:PORT", True),
        ("[::1]:PORT", True),
        ("evil.example", False),
        ("evil.example:PORT", False),
        ("localhost.evil.example", False),
        ("evil-localhost", False),
        ("localhost@evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("0.0.0.0:PORT", False),
        ("[::1", False),
        ("", False),
    ],
)
@pytest.mark.parametrize("path", ["/healthz", "/docs", CHAT])
async def test_only_its_own_names_are_answered_for(
    stand: Stand,
    path: str,
    host: str,
    known: bool,  # noqa: FBT001 - a case
) -> None:
    headers = {"host": host.replace("PORT", str(stand.port))}
    answer = await stand.ask(ASK if path == CHAT else None, path, headers)

    assert (answer.status == 200) is known
    assert known or answer.status in {400, 421}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:3000"])
@pytest.mark.parametrize("path", [*GETS, CHAT])
async def test_no_page_of_another_origin_is_invited(stand: Stand, path: str, origin: str) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    asked = await stand.ask(path=path, headers=headers)
    preflight = await stand.ask(path=path, headers=headers, method="OPTIONS")

    for answer in (asked, preflight):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:PORT/a.png",
        "HTTP://127.0.0.1:PORT/a.png",
        "http://localhost:PORT/a.png",
        "http://2130706433:PORT/",
        "http://0x7f000001:PORT/",
        "http://127.1:PORT/",
        "http://[::1]:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://example.com@127.0.0.1:PORT/",
        "https://127.0.0.1:PORT/",
        "//127.0.0.1:PORT/",
        "http://169.254.169.254/latest/meta-data",
        "http://metadata.google.internal/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:PORT/",
        "ftp://127.0.0.1:PORT/",
        "/etc/passwd",
        "data:text/html;base64,PGI+",
        "data:image/png;base64,!!!!",
        "data:image/png;base64,",
        "",
    ],
)
async def test_no_address_in_a_request_is_looked_at(stand: Stand, url: str) -> None:
    async def caught(connection: RawConnection) -> None:
        await connection.request()

    await stand.forget()
    async with raw_server(caught) as canary:
        url = url.replace("PORT", str(canary.port))
        image = {"type": "image_url", "image_url": {"url": url}}
        part = {"type": "input_image", "image_url": url}
        answers = [
            await stand.ask(
                {"model": "viewer", "messages": [{"role": "user", "content": [image]}]}, CHAT
            ),
            await stand.ask(
                {"model": "viewer", "input": [{"role": "user", "content": [part]}]},
                "/v1/responses",
            ),
        ]
        connections = canary.connections

    assert [answer.status for answer in answers] == [400, 400]
    assert connections == 0
    assert stand.server.asked("/api/chat") == []


async def test_an_image_in_the_request_is_taken(stand: Stand) -> None:
    await stand.forget()
    image = {
        "type": "image_url",
        "image_url": {"url": "data:image/gif;base64,R0lGODlhAQABAAAAACw="},
    }
    asked = {"model": "viewer", "messages": [{"role": "user", "content": [image]}]}

    assert (await stand.ask(asked)).status == 200


@pytest.mark.parametrize(
    "field", ["api_base", "base_url", "ollama_url", "chat_template", "proxy", "extra_headers"]
)
async def test_no_request_chooses_the_model_server(stand: Stand, field: str) -> None:
    async def caught(connection: RawConnection) -> None:
        await connection.request()

    async with raw_server(caught) as canary:
        headers = {"x-portkey-custom-host": canary.url, "x-forwarded-host": canary.url}
        answer = await stand.ask(ASK | {field: canary.url}, headers=headers)
        plain = await stand.ask(ASK, headers=headers)
        connections = canary.connections

    assert (answer.status, plain.status, connections) == (400, 200, 0)


async def test_proxies_of_the_environment_are_ignored(stand: Stand, tmp_path: Path) -> None:
    async def caught(connection: RawConnection) -> None:
        await connection.request()

    async with raw_server(caught) as canary:
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
        proxies = dict.fromkeys(names, canary.url)
        settings = {"OLLAMA_URL": stand.server.url, "DEFAULT_MODEL": MODEL, **proxies}
        async with started(tmp_path, **settings) as process:
            head, _ = await raw_http.fetch(await process.port(), CHAT, ASK)
            ready, _ = await raw_http.fetch(await process.port(), "/readyz")
        connections = canary.connections

    assert (head.status, ready.status, connections) == (200, 200, 0)
