"""Who may open a WebSocket, and where."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus

from entrypoints.http.replies import JSONReply
from tests.support import raw_http
from tests.support.responses import PATH, ask
from tests.support.service import service_of
from tests.support.sockets import connected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import Message, ReceiveMessage

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

KEY = "correct-horse"
OTHER = "battery-staple"


async def refused(
    service: Service, headers: Mapping[str, str] | None = None, path: str = PATH
) -> tuple[int, Any]:
    """Return status and code of the refusal of a handshake."""
    with pytest.raises(InvalidStatus) as caught:
        async with connected(service, headers, path):
            pass
    answer = caught.value.response
    assert answer.body is not None
    assert answer.headers["content-type"] == "application/json"
    assert "x-request-id" in answer.headers
    return answer.status_code, json.loads(answer.body)["error"]["code"]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no key"),
        pytest.param({"authorization": "Bearer wrong"}, id="a wrong key"),
        pytest.param({"x-api-key": KEY[:-1]}, id="a part of a key"),
        pytest.param({"sec-websocket-protocol": KEY}, id="as a protocol"),
        pytest.param({"cookie": f"x-api-key={KEY}"}, id="in a cookie"),
    ],
)
@pytest.mark.parametrize("path", [PATH, "/responses", "/v1/nowhere", "//v1/responses"])
async def test_without_a_key_there_is_no_socket(
    llm: FakeLLM, headers: dict[str, str], path: str
) -> None:
    async with service_of(llm, api_key=KEY) as service:
        assert await refused(service, headers, path) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "headers", [{"authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}], ids=["bearer", "x-api-key"]
)
async def test_a_key_opens_it_for_its_owner(llm: FakeLLM, headers: dict[str, str]) -> None:
    async with service_of(llm, api_key=f"{KEY},{OTHER}") as service:
        async with connected(service, headers) as socket:
            made = await socket.answer()
        async with connected(service, {"x-api-key": OTHER}) as socket:
            error = await socket.refusal(previous_response_id=made["id"])

        followed = await ask(service, headers, previous_response_id=made["id"])

    assert error["code"] == "previous_response_not_found"
    assert followed.status == 200


@pytest.mark.parametrize("path", ["/responses", "/v1/responses/", "/v1/responses?a=b"])
async def test_other_spellings_of_the_path(service: Service, path: str) -> None:
    async with connected(service, path=path) as socket:
        assert (await socket.answer())["status"] == "completed"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/", "/healthz", "/v1/responses/resp_1"])
async def test_there_is_no_other_socket(service: Service, path: str) -> None:
    assert await refused(service, path=path) == (404, "unknown_url")


async def test_the_request_id_is_on_the_handshake(service: Service) -> None:
    async with connected(service, {"x-request-id": "mine"}) as socket:
        answer = socket.connection.response

    assert answer is not None
    assert answer.headers["x-request-id"] == "mine"


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1.evil.example",
        "file://",
    ],
)
async def test_a_page_from_elsewhere_opens_none(service: Service, origin: str) -> None:
    assert await refused(service, {"origin": origin}) == (403, "origin_not_allowed")


async def test_a_page_of_the_service_itself_opens_one(service: Service) -> None:
    async with connected(service, {"origin": f"http://127.0.0.1:{service.port}"}) as socket:
        assert (await socket.answer())["status"] == "completed"


@pytest.mark.parametrize(
    ("origins", "origin"),
    [
        ("https://chat.example.com", "https://chat.example.com"),
        ("https://chat.example.com/", "https://CHAT.example.com"),
        ("*", "https://chat.example.com"),
    ],
)
async def test_a_page_that_the_settings_name_opens_one(
    llm: FakeLLM, origins: str, origin: str
) -> None:
    async with (
        service_of(llm, cors_origins=origins) as service,
        connected(service, {"origin": origin}) as socket,
    ):
        assert (await socket.answer())["status"] == "completed"


async def test_a_page_that_they_do_not_name_does_not(llm: FakeLLM) -> None:
    async with service_of(llm, cors_origins="https://chat.example.com") as service:
        headers = {"origin": "https://chat.example.com.evil.example"}

        assert await refused(service, headers) == (403, "origin_not_allowed")


async def test_a_refusal_is_no_failure_in_the_log(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    await refused(service, path="/v1/nowhere")
    await service.ask(path="/healthz")

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_draining_service_opens_none(service: Service) -> None:
    service.drain.begin()

    assert await refused(service) == (503, "server_shutting_down")


async def test_a_get_that_is_no_handshake(service: Service) -> None:
    answer = await service.ask(path=PATH)

    assert answer.status == 405


WISH = {
    "connection": "upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize(
    ("headers", "path", "status", "named"),
    [
        pytest.param({"sec-websocket-key": ""}, PATH, 400, "Sec-WebSocket-Key", id="no key"),
        pytest.param({"sec-websocket-version": "8"}, PATH, 400, "Version", id="version"),
        pytest.param({"upgrade": "websocket, h2c"}, PATH, 405, "GET", id="two protocols"),
        pytest.param({"x-long": "a" * 9000}, PATH, 431, "8192 bytes", id="a long line"),
        pytest.param({f"x-{n}": "a" for n in range(200)}, PATH, 431, "header", id="many lines"),
        pytest.param({}, f"{PATH}?q={'a' * 9000}", 414, "8192 bytes", id="a long URL"),
    ],
)
async def test_a_handshake_that_is_not_well_formed(
    service: Service, headers: dict[str, str], path: str, status: int, named: str
) -> None:
    async with asyncio.timeout(10):
        head, body = await raw_http.fetch(service.port, path, headers=WISH | headers)

    assert head.status == status
    assert head.headers["content-type"] == "application/json"
    error = json.loads(body)["error"]
    assert named in error["message"]
    assert error["type"] == "invalid_request_error"


async def test_a_refused_version_is_told_the_one_that_is_spoken(service: Service) -> None:
    headers = WISH | {"sec-websocket-version": "8"}
    async with asyncio.timeout(10):
        head, _ = await raw_http.fetch(service.port, PATH, headers=headers)

    assert head.headers["sec-websocket-version"] == "13"


async def test_a_server_that_cannot_send_a_refusal_closes() -> None:
    sent: list[Message] = []

    async def receive() -> ReceiveMessage:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Any = {"type": "websocket", "path": PATH, "headers": []}
    await JSONReply(b"{}", 401)(scope, receive, send)

    assert sent == [{"type": "websocket.close", "code": 1008, "reason": None}]
