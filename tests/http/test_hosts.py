"""A page that has its own name point here is not answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.http.hosts import Hosts, bare
from entrypoints.settings import Settings
from tests.support import raw_http
from tests.support.server import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALLOWED = Settings().hosts


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(Hosts(hello, ALLOWED), lifespan="off") as number:
        yield number


async def status(port: int, *host_lines: str) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = ["GET / HTTP/1.1", *(f"Host: {line}" for line in host_lines), "Connection: close"]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await raw_http.read_head(reader)
    writer.close()
    return head.status


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost:8000", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"],
)
async def test_this_machines_own_names_are_answered(port: int, host: str) -> None:
    assert await status(port, host) == 200


@pytest.mark.parametrize(
    "hosts",
    [
        pytest.param(["evil.example"], id="foreign"),
        pytest.param(["localhost.evil.example"], id="beneath a foreign one"),
        pytest.param(["localhost@evil.example"], id="with a user"),
        pytest.param([""], id="empty"),
        pytest.param([], id="none"),
        pytest.param(["localhost", "evil.example"], id="two"),
        pytest.param(["[::1"], id="half a pair of brackets"),
        pytest.param(["[::1]evil.example"], id="after brackets"),
        pytest.param(["localhost:evil.example"], id="no port"),
    ],
)
async def test_other_names_are_not(port: int, hosts: list[str]) -> None:
    assert await status(port, *hosts) in (400, 421)


async def test_a_refusal_names_the_setting(port: int) -> None:
    reader, writer = await raw_http.send(port, "/", headers={"host": "evil.example"})
    head = await raw_http.read_head(reader)
    body = await raw_http.read_body(reader, head)
    writer.close()

    assert head.status == 421
    assert body == (
        b'{"error":{"message":"This server does not answer for the host of this request; '
        b'ALLOWED_HOSTS names those that it answers for.","type":"invalid_request_error",'
        b'"param":null,"code":"unknown_host"}}'
    )


@pytest.mark.parametrize(
    ("settings", "hosts"),
    [
        (Settings(), ("127.0.0.1", "::1", "localhost")),
        (Settings(host="0.0.0.0", allow_no_auth=True), ()),  # noqa: S104 - the case in point
        (Settings(allowed_hosts="Models.Example, localhost"), ("models.example", "localhost")),
        (Settings(allowed_hosts="*"), ()),
    ],
)
def test_settings_give_the_names(settings: Settings, hosts: tuple[str, ...]) -> None:
    assert settings.hosts == hosts


def test_a_bare_name_has_no_port() -> None:
    assert bare(b"[FE80::1]:80") == "fe80::1"
