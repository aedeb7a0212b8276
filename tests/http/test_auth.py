"""Who may ask, on a real socket: client libraries mend what is odd."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import raw_http
from tests.support.keys import MARK, key_of, line, write
from tests.support.service import ASK, CHAT, service_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

KEY = "correct horse"
OTHER = "battery staple"
WRONG = "Incorrect API key provided."
NONE = (
    "This server needs one API key: send it as 'Authorization: Bearer KEY' or as 'x-api-key: KEY'."
)


@pytest.fixture
async def guarded(llm: FakeLLM) -> AsyncGenerator[Service]:
    async with service_of(llm, api_key=f"{KEY}, {OTHER},schlüssel") as running:
        yield running


def refusal(message: str) -> Any:
    return {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": None,
            "code": "invalid_api_key",
        }
    }


async def with_lines(service: Service, *lines: bytes) -> tuple[int, bytes]:
    """Return status and body of a request for models with these header lines."""
    head = b"\r\n".join([b"GET /v1/models HTTP/1.1", b"host: 127.0.0.1", *lines, b"", b""])
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    writer.write(head)
    found = await raw_http.read_head(reader)
    body = await raw_http.read_body(reader, found)
    await raw_http.hang_up(writer)
    return found.status, body


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"authorization": f"Bearer {KEY}"}, id="bearer"),
        pytest.param({"authorization": f"bearer {KEY}"}, id="bearer in lower case"),
        pytest.param({"authorization": f"BEARER   {KEY} "}, id="more space"),
        pytest.param({"x-api-key": KEY}, id="x-api-key"),
        pytest.param({"X-API-Key": OTHER}, id="the other key"),
        pytest.param({"authorization": f"Bearer {KEY}", "x-api-key": KEY}, id="both"),
    ],
)
async def test_a_key_opens_the_service(guarded: Service, headers: dict[str, str]) -> None:
    answer = await guarded.ask(ASK, headers=headers)

    assert answer.status == 200


async def test_a_key_may_have_any_characters(guarded: Service) -> None:
    assert (await with_lines(guarded, "x-api-key: schlüssel".encode()))[0] == 200


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param([], NONE, id="no key"),
        pytest.param([b"x-api-key:"], NONE, id="an empty key"),
        pytest.param([b"authorization: Bearer"], NONE, id="bearer alone"),
        pytest.param([b"authorization: Bearer "], NONE, id="bearer and a space"),
        pytest.param([b"authorization: correct horse"], NONE, id="no scheme"),
        pytest.param([b"authorization: Basic Y29ycmVjdDpob3JzZQ=="], NONE, id="basic"),
        pytest.param([b"authorization: Basic eDp5", b"x-api-key: correct horse"], NONE, id="mixed"),
        pytest.param([b"x-api-key: wrong"], WRONG, id="a wrong key"),
        pytest.param([b"x-api-key: correct horse,battery staple"], WRONG, id="the list of keys"),
        pytest.param([b"x-api-key: Correct Horse"], WRONG, id="another case"),
        pytest.param([b"x-api-key: correct hors"], WRONG, id="a part of a key"),
        pytest.param([b"authorization: Bearer \xff\xfe"], WRONG, id="no text"),
        pytest.param(["x-api-key: ключ".encode()], WRONG, id="other letters"),
        pytest.param(["x-api-key: schlüssel".encode("latin-1")], WRONG, id="another encoding"),
        pytest.param([b"x-api-key: correct horse", b"x-api-key: wrong"], NONE, id="two keys"),
        pytest.param(
            [b"authorization: Bearer wrong", b"x-api-key: correct horse"], NONE, id="two headers"
        ),
        pytest.param([b"x-api-key: " + b"k" * 60_000], WRONG, id="60 kB"),
        pytest.param([b"cookie: x-api-key=correct horse"], NONE, id="in a cookie"),
    ],
)
async def test_anything_else_does_not(
    guarded: Service, llm: FakeLLM, lines: Sequence[bytes], message: str
) -> None:
    status, body = await with_lines(guarded, *lines)

    assert (status, json.loads(body)) == (401, refusal(message))
    assert llm.requests == []


async def test_a_refusal_tells_how_to_ask(guarded: Service) -> None:
    answer = await guarded.ask(ASK)

    assert (answer.status, answer.json) == (401, refusal(NONE))
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["x-request-id"] == "req_1"


@pytest.mark.parametrize(
    "path",
    [
        CHAT,
        "/v1/chat/completions/",
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/./v1/chat/completions",
        "/healthz/../v1/chat/completions",
        "/docs/../v1/chat/completions",
        "/docs/..%2fv1/chat/completions",
        "/docs/%2e%2e/v1/chat/completions",
        "/readyz/%2e%2e%2fv1%2fchat%2fcompletions",
        "/docs%2f..%2fv1/chat/completions",
        "/healthz;/../v1/chat/completions",
        "/v1/chat/completions;x=/healthz",
        "/v1/chat/completions?x=/healthz",
        "/v1/chat/completions#/healthz",
        "/v1/chat%2Fcompletions",
        "/V1/chat/completions",
        "/healthz%00/v1/chat/completions",
        "/healthzv1/chat/completions",
        "/nowhere",
        "/v1/healthz",
        "/docsx",
        "/playground/../v1/chat/completions",
        "/playground/%2e%2e/v1/chat/completions",
        "/playgroundx",
        "http://127.0.0.1/v1/chat/completions",
        "*",
    ],
)
async def test_no_spelling_of_a_path_gets_around_the_key(
    guarded: Service, llm: FakeLLM, path: str
) -> None:
    answer = await guarded.ask(ASK, path)

    assert answer.status in {400, 401, 404, 405}
    assert llm.requests == []


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["/nowhere", "/v1/models", CHAT])
async def test_without_a_key_nobody_learns_what_there_is(
    guarded: Service, method: str, path: str
) -> None:
    answer = await guarded.ask(ASK, path, method=method)

    assert (answer.status, answer.json) == (401, refusal(NONE))


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/readyz", "/docs", "/docs/openapi.json", "/healthz/", "/playground/app.js"],
)
async def test_probes_and_the_page_are_open(guarded: Service, path: str) -> None:
    assert (await guarded.ask(path=path)).status == 200


async def test_without_keys_everyone_may_ask(service: Service) -> None:
    answer = await service.ask(ASK, headers={"authorization": "Bearer none"})

    assert answer.status == 200


HASH = f"sha256:{hashlib.sha256(key_of('one').encode()).hexdigest()}"


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([f"x-api-key: {HASH}".encode()], id="the digest"),
        pytest.param([f"x-api-key: {HASH.removeprefix('sha256:')}".encode()], id="its figures"),
        pytest.param([f"authorization: Bearer {HASH} name=one".encode()], id="the line"),
        pytest.param([b"x-api-key: one"], id="the name"),
        pytest.param([b"x-api-key: # team"], id="a comment"),
        pytest.param([b"authorization: Bearer zebra\x00"], id="NUL"),
        pytest.param([b"x-api-key: \xff\xfe"], id="no text"),
        pytest.param(["authorization: Bearer ключ-ключ-ключ".encode()], id="other letters"),
        pytest.param([b"x-api-key: " + b"k" * 60_000], id="60 kB"),
        pytest.param(
            [f"x-api-key: {key_of('one')}".encode(), f"x-api-key: {key_of('two')}".encode()],
            id="two keys",
        ),
        pytest.param([f"x-api-key: {key_of('one')},{key_of('two')}".encode()], id="a list"),
        pytest.param([f"authorization: Basic {key_of('one')}".encode()], id="basic"),
    ],
)
async def test_what_a_file_of_keys_holds_opens_nothing(
    lines: Sequence[bytes], llm: FakeLLM, tmp_path: Path
) -> None:
    path = write(tmp_path, "# team\n", line("one"), line("two", "concurrency=1"))
    async with service_of(llm, api_key_file=str(path)) as service:
        status, body = await with_lines(service, *lines)
        right, _ = await with_lines(service, f"authorization: bearer {key_of('two')}".encode())

    # What is no header is refused before anyone looks for a key.
    assert status == (400 if b"\x00" in lines[0] else 401)
    assert MARK.encode() not in body
    assert right == 200
