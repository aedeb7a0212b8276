"""A page that has its own name point here is not answered."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from entrypoints.http.hosts import Hosts, bare
from entrypoints.http.protocol import ConnectionLimits, GuardedProtocol
from entrypoints.settings import Settings
from tests.support import raw_http
from tests.support.server import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ALLOWED = Settings().hosts


LIMITS = ConnectionLimits(header_s=10, body_s=10, write_s=10, header_bytes=64 * 1024)


async def hello(scope: Any, _receive: Any, send: Any) -> None:
    asked = [(b"asked", scope["raw_path"] + b"?" + scope["query_string"])]
    await send({"type": "http.response.start", "status": 200, "headers": asked})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    http = partial(GuardedProtocol, limits=LIMITS)
    async with serving(Hosts(hello, ALLOWED), lifespan="off", http=http) as number:
        yield number


async def status(port: int, *host_lines: str, target: str = "/") -> int:
    return (await answered(port, *host_lines, target=target)).status


async def answered(port: int, *host_lines: str, target: str) -> raw_http.Head:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [
        f"GET {target} HTTP/1.1",
        *(f"Host: {line}" for line in host_lines),
        "Connection: close",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await raw_http.read_head(reader)
    writer.close()
    return head


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


@pytest.mark.parametrize(
    ("target", "host", "expected"),
    [
        ("http://localhost:8000/v1/models?a=b", "localhost:8000", "/v1/models?a=b"),
        ("HTTP://LocalHost/v1/models", "evil.example", "/v1/models?"),
        ("http://[::1]:8000", "localhost", "/?"),
        ("https://127.0.0.1?a=b", "localhost", "/?a=b"),
    ],
)
async def test_a_host_in_the_target_counts_in_place_of_the_header(
    port: int, target: str, host: str, expected: str
) -> None:
    head = await answered(port, host, target=target)

    assert (head.status, head.headers["asked"]) == (200, expected)


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.example/v1/models",
        "http://localhost@evil.example/",
        "http://evil.example",
        "http://[::2]/",
        "http://localhost.evil.example:8000/",
    ],
)
async def test_so_does_a_foreign_one(port: int, target: str) -> None:
    assert await status(port, "localhost", target=target) == 421


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"]], ids=["none", "two"])
async def test_it_takes_a_header_for_all_that(port: int, hosts: list[str]) -> None:
    assert await status(port, *hosts, target="http://localhost/") in (400, 421)


@pytest.mark.parametrize("target", ["http:///", "localhost:80", "http://[::1", "evil"])
async def test_what_is_no_target_is_refused(port: int, target: str) -> None:
    assert await status(port, "localhost", target=target) == 400


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
