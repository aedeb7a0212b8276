from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.support import raw_http
from tests.support.service import ASK, CHAT

if TYPE_CHECKING:
    from tests.support.service import Service


@pytest.mark.parametrize("given", ["mine", "A-b_c.9", "x" * 128])
async def test_a_clients_own_request_id_is_kept(service: Service, given: str) -> None:
    answer = await service.ask(ASK, headers={"X-Request-ID": given})

    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é", "a;b", '"'])
async def test_a_request_id_that_is_no_plain_word_is_replaced(service: Service, given: str) -> None:
    answer = await service.ask(path="/healthz", headers={"X-Request-ID": given})

    assert (answer.status, answer.headers["x-request-id"]) == (200, "req_1")


@pytest.mark.parametrize(
    ("path", "method"), [("/nowhere", "GET"), (CHAT, "PUT"), ("/docs", "GET"), (CHAT, "POST")]
)
async def test_every_answer_has_a_request_id(service: Service, path: str, method: str) -> None:
    answer = await service.ask(path=path, method=method)

    assert answer.headers["x-request-id"] == "req_1"


async def test_an_unknown_fields_name_cannot_split_the_head(service: Service) -> None:
    name = "a\r\nset-cookie: b=c\r\n\r\n<html>é"
    messages = [{"role": "user", "content": "Hi", name: 1}]

    answer = await service.ask({"messages": messages})

    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-ignored-parameters"] == "messages[].a??set-cookie:?b=c????<html>?"


async def test_requests_follow_each_other_on_one_connection(service: Service) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
    statuses: list[int] = []
    for path in ("/healthz", "/nowhere", "/healthz"):
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".encode())
        head = await raw_http.read_head(reader)
        await raw_http.read_body(reader, head)
        statuses.append(head.status)
    await raw_http.hang_up(writer)

    assert statuses == [200, 404, 200]


async def test_no_header_invites_other_pages(service: Service) -> None:
    answer = await service.ask(ASK, headers={"origin": "https://elsewhere.example"})

    assert answer.status == 200
    assert not [name for name in answer.headers if name.startswith("access-control-")]
