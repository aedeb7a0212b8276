"""R15, R16, R18, R37, R45: keys, and what is kept apart by them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import asking, raw_http
from tests.support.fake_ollama_answers import done_line, streamed, text_line
from tests.support.fake_ollama_http import Ending
from tests.support.responses import OPENAI, PATH
from tests.support.service import ASK, CHAT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.service import Answer
    from tests.support.standing import Stand

pytestmark = pytest.mark.asyncio(loop_scope="module")

ONE = "the key of the first tenant"
OTHER = "the key of the other tenant"
SETTINGS = {
    "API_KEY": f"{ONE},{OTHER}",
    "MAX_CONCURRENCY": "2",
    "MAX_QUEUE": "8",
    "QUEUE_TIMEOUT_S": "30",
}
AS_OTHER = {"x-api-key": OTHER}
# The target of a request, and whether it is one that the service has.
TARGETS = {
    CHAT: True,
    "/v1/completions": True,
    "/v1/embeddings": True,
    PATH: True,
    "/v1/conversations": True,
    "/v1/chat/completions/": True,
    "/chat/completions": True,
    "//v1/chat/completions": False,
    "/v1//chat/completions": False,
    "/healthz/../v1/chat/completions": False,
    "/healthz/..%2fv1/chat/completions": False,
    "/docs/%2e%2e/v1/chat/completions": False,
    "/v1/chat%2fcompletions": False,
    "/v1/chat/completions;x=/healthz": False,
    "/healthz;/v1/chat/completions": False,
    "/v1/chat/completions?x=/healthz": True,
    "/v1/chat/completions#/healthz": False,
    "/V1/CHAT/COMPLETIONS": False,
    "/v1/chat/completions/healthz": False,
    "/healthzz": False,
    "/nowhere": False,
}


async def with_lines(stand: Stand, *lines: bytes) -> tuple[int, bytes]:
    """Return status and body of a chat request with these header lines and no others of ours."""
    body = json.dumps(ASK).encode()
    head = [f"POST {CHAT} HTTP/1.1".encode(), b"host: localhost", b"connection: close"]
    head += [b"content-type: application/json", b"content-length: %d" % len(body), *lines]
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    writer.write(b"\r\n".join([*head, b"", body]))
    found = await raw_http.read_head(reader)
    answer = await raw_http.read_body(reader, found)
    writer.transport.abort()
    return found.status, answer


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE"])
async def test_without_a_key_nothing_is_done_whatever_the_spelling(
    stand: Stand, method: str, target: str
) -> None:
    await stand.forget()
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    body = json.dumps(ASK | {"input": "Hi", "prompt": "Hi"})
    writer.write(
        f"{method} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
    )
    head = await raw_http.read_head(reader)
    writer.transport.abort()

    assert 400 <= head.status < 500
    assert not TARGETS[target] or head.status == 401
    assert stand.server.requests == []


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([], id="none"),
        pytest.param([b"authorization:"], id="empty"),
        pytest.param([b"authorization: Bearer"], id="a scheme alone"),
        pytest.param([b"authorization: Basic eDp5"], id="basic"),
        pytest.param([b"authorization: " + ONE.encode()], id="no scheme"),
        pytest.param(["authorization: Bearer ключ".encode()], id="other letters"),
        pytest.param([b"authorization: Bearer \xff\xfe"], id="no text"),
        pytest.param([b"authorization: Bearer " + b"k" * 60_000], id="60 kB"),
        pytest.param([f"authorization: Bearer {ONE},{OTHER}".encode()], id="all keys"),
        pytest.param([f"authorization: Bearer {ONE[:-1]}".encode()], id="a part"),
        pytest.param([f"authorization: Bearer {ONE}\0".encode()], id="NUL"),
        pytest.param([b"x-api-key: wrong", f"x-api-key: {ONE}".encode()], id="two keys"),
        pytest.param(
            [b"authorization: Bearer x", f"authorization: Bearer {ONE}".encode()], id="two lines"
        ),
        pytest.param([f"cookie: x-api-key={ONE}".encode()], id="a cookie"),
    ],
)
async def test_odd_credentials_are_none(stand: Stand, lines: Sequence[bytes]) -> None:
    await stand.forget()
    status, body = await with_lines(stand, *lines)

    assert status in {400, 401}
    asking.error_of(json.loads(body))
    assert stand.server.requests == []


@pytest.mark.parametrize(
    "line", [f"authorization: bearer {ONE}", f"AUTHORIZATION: BEARER {OTHER}", f"x-api-key: {ONE}"]
)
async def test_every_key_opens_the_service(stand: Stand, line: str) -> None:
    assert (await with_lines(stand, line.encode()))[0] == 200


async def test_nothing_of_a_client_goes_to_the_model_server(stand: Stand) -> None:
    await stand.forget()
    given = {
        "cookie": "zebra=1",
        "user-agent": "zebra",
        "x-zebra": "zebra",
        "referer": "http://zebra.example",
        "x-forwarded-for": "192.0.2.7",
        "openai-organization": "zebra",
        "x-request-id": "zebra",
    }
    for body, path in (
        (ASK, CHAT),
        ({"input": "Hi"}, PATH),
        ({"input": "Hi", "model": "embedder"}, "/v1/embeddings"),
    ):
        assert (await stand.ask(body, path, given)).status == 200
    assert (await stand.ask(path="/v1/models", headers=given)).status == 200

    names = {name for request in stand.server.requests for name in request.headers}
    assert names <= {"host", "accept-encoding", "content-type", "content-length"}
    assert not [r for r in stand.server.requests if "zebra" in str(r) or ONE in str(r)]


async def test_a_key_that_floods_holds_up_no_other(stand: Stand) -> None:
    await stand.forget()
    gate = asyncio.Event()
    stand.server.always("/api/chat", streamed(gate, text_line("a"), ending=Ending.HANG))
    flood = [
        await raw_http.send(stand.port, CHAT, ASK | {"stream": True}, stand.headers)
        for _ in range(10)
    ]
    await stand.server.arrived("/api/chat", 2)
    others = [asyncio.create_task(stand.ask(ASK, headers=AS_OTHER)) for _ in range(4)]
    stand.server.always("/api/chat", streamed(text_line("b"), done_line()))
    gate.set()
    # The first two never end; one of them leaves its place to those who wait.
    await raw_http.hang_up(flood[0][1])
    answers = await asyncio.gather(*others)
    for _, writer in flood[1:]:
        await raw_http.hang_up(writer)

    assert [answer.status for answer in answers] == [200] * 4
    await stand.forget()
    await stand.all_free(2)


async def made(stand: Stand, **more: Any) -> Any:
    return (await stand.ask({"input": "Hi", **more}, PATH, OPENAI)).json


def told(answer: Answer, own: str) -> Any:
    """Return status and words of a refusal, whatever the id in them."""
    return answer.status, answer.body.replace(own.encode(), b"ID")


async def test_what_another_key_made_is_not_there(stand: Stand) -> None:
    response = (await made(stand))["id"]
    conversation = (await stand.ask({}, "/v1/conversations")).json["id"]
    asked: list[tuple[str, str, Any, str]] = [
        ("GET", f"{PATH}/{{}}", None, response),
        ("DELETE", f"{PATH}/{{}}", None, response),
        ("POST", f"{PATH}/{{}}/cancel", None, response),
        ("GET", f"{PATH}/{{}}/input_items", None, response),
        ("POST", PATH, {"input": "Hi", "previous_response_id": "ID"}, response),
        ("POST", PATH, {"input": "Hi", "conversation": "ID"}, conversation),
        ("GET", "/v1/conversations/{}", None, conversation),
        ("DELETE", "/v1/conversations/{}", None, conversation),
        ("POST", "/v1/conversations/{}", {"metadata": {}}, conversation),
        ("GET", "/v1/conversations/{}/items", None, conversation),
    ]
    for method, path, body, own in asked:
        answers: list[Any] = []
        # Another's, and one that never was.
        for id_ in (own, own[:-4] + "0000"):
            sent = json.loads(json.dumps(body).replace("ID", id_))
            answer = await stand.ask(sent, path.format(id_), {**AS_OTHER, **OPENAI}, method=method)
            answers.append(told(answer, id_))
        assert answers[0] == answers[1], (method, path)
        assert answers[0][0] in {400, 404}

    assert (await stand.ask(path=f"{PATH}/{response}")).status == 200
    assert (await stand.ask(path=f"/v1/conversations/{conversation}")).status == 200


@pytest.mark.parametrize(
    "odd",
    [
        "resp_' OR '1'='1",
        'resp_";DROP TABLE responses;--',
        "resp_%25",
        "resp_*",
        "..%2f..%2fetc%2fpasswd",
        "resp_%00",
        "r" * 5000,
        "%F0%9F%92%A9",
    ],
)
async def test_odd_ids_are_not_there(stand: Stand, odd: str) -> None:
    path = f"{PATH}/{odd.replace(' ', '%20')}"
    for method in ("GET", "DELETE"):
        assert (await stand.ask(path=path, method=method)).status == 404
    body = {"input": "Hi", "previous_response_id": odd}
    assert (await stand.ask(body, PATH, OPENAI)).status in {400, 404}


async def test_ids_cannot_be_guessed(stand: Stand) -> None:
    ids = [str((await made(stand))["id"]).removeprefix("resp_") for _ in range(40)]

    assert len(set(ids)) == len(ids)
    # 96 bits, each of which is now 0 and now 1.
    numbers = [int(id_, 16) for id_ in ids]
    assert all(len(id_) * 4 >= 96 for id_ in ids)
    assert all(0 < sum(number >> bit & 1 for number in numbers) < 40 for bit in range(96))
