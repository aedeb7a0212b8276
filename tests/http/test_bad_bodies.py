"""Bodies that are not what they should be, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import raw_http
from tests.support.service import ASK, CHAT, Answer, service_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

JSON = {"content-type": "application/json"}
NOT_JSON = (
    "The body of the request could not be parsed as JSON. "
    "It must be one UTF-8 JSON object, not nested too deeply."
)
NOT_LABELLED = "The body must be JSON: send it with 'Content-Type: application/json'."
TOO_LARGE = "The body of the request is too large."
ROLES = "'system', 'developer', 'user', 'assistant', 'tool'"
BODY = json.dumps(ASK).encode()


def with_messages(text: bytes) -> bytes:
    return b'{"messages":[{"role":"user","content":"x"}],%b}' % text


def error(message: str, param: str | None = None, code: str | None = None) -> Any:
    kind = "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def not_json(fault: str) -> Any:
    return error(NOT_JSON.replace(" JSON.", f" JSON: {fault}."), code="invalid_json")


BAD: Mapping[str, tuple[Any, Mapping[str, str], int, Any]] = {
    "empty": (b"", JSON, 400, error(NOT_JSON, code="invalid_json")),
    "not JSON": (b"{messages:", JSON, 400, not_json("object keys must be strings (byte 1)")),
    "cut": (BODY[:-1], JSON, 400, error(NOT_JSON, code="invalid_json")),
    "two documents": (
        BODY + BODY,
        JSON,
        400,
        not_json(f"trailing characters (byte {len(BODY) + 1})"),
    ),
    "trailing comma": (
        BODY[:-1] + b",}",
        JSON,
        400,
        not_json(f"trailing comma in object (byte {len(BODY)})"),
    ),
    "invalid UTF-8": (
        b'{"messages":[{"role":"user","content":"\xff\xfe"}]}',
        JSON,
        400,
        error(NOT_JSON, code="invalid_json"),
    ),
    "UTF-16": (
        json.dumps(ASK).encode("utf-16"),
        JSON,
        400,
        error(NOT_JSON, code="invalid_json"),
    ),
    "lone surrogate": (
        b'{"messages":[{"role":"user","content":"\\ud800"}]}',
        JSON,
        400,
        error(NOT_JSON, code="invalid_json"),
    ),
    "NaN": (
        with_messages(b'"temperature":NaN'),
        JSON,
        400,
        not_json("invalid character (byte 58)"),
    ),
    "100,000 brackets": (
        b"[" * 100_000,
        JSON,
        400,
        error(
            "Invalid type for the body: expected an object, but got an array instead.",
            None,
            "invalid_type",
        ),
    ),
    "100,000 brackets in the content": (
        b'{"messages":[{"role":"user","content":' + b"[" * 100_000,
        JSON,
        400,
        error(
            "Invalid type for 'messages[0].content[0]': "
            "expected an object, but got an array instead.",
            "messages[0].content[0]",
            "invalid_type",
        ),
    ),
    "100,000 brackets in a schema": (
        with_messages(
            b'"tools":[{"type":"function","function":{"name":"f","parameters":' + b"[" * 100_000
        ),
        JSON,
        400,
        error(NOT_JSON, code="invalid_json"),
    ),
    "100,000 brackets in an unknown field": (
        with_messages(b'"nobody_knows":' + b"[" * 100_000),
        JSON,
        400,
        error(NOT_JSON, code="invalid_json"),
    ),
    "a deep schema": (
        with_messages(
            b'"tools":[{"type":"function","function":{"name":"f","parameters":'
            + b'{"a":' * 101
            + b"1"
            + b"}" * 103
            + b"]"
        ),
        JSON,
        400,
        error(
            "Invalid 'tools[0].function.parameters': at most 100 levels of nesting are taken.",
            "tools[0].function.parameters",
            "invalid_value",
        ),
    ),
    "an array": (
        [],
        JSON,
        400,
        error(
            "Invalid type for the body: expected an object, but got an array instead.",
            None,
            "invalid_type",
        ),
    ),
    "no messages": (
        {},
        JSON,
        400,
        error("Missing required parameter: 'messages'.", "messages", "missing_required_parameter"),
    ),
    "empty messages": (
        {"messages": []},
        JSON,
        400,
        error(
            "Invalid 'messages': empty array. Expected at least one entry.",
            "messages",
            "empty_array",
        ),
    ),
    "messages of a wrong type": (
        {"messages": "Hi"},
        JSON,
        400,
        error(
            "Invalid type for 'messages': expected an array, but got a string instead.",
            "messages",
            "invalid_type",
        ),
    ),
    "an unknown role": (
        {"messages": [*ASK["messages"], {"role": "boss", "content": "x"}]},
        JSON,
        400,
        error(
            f"Invalid value for 'messages[1].role': 'boss'. Supported values are: {ROLES}.",
            "messages[1].role",
            "invalid_value",
        ),
    ),
    "n: 0": (
        ASK | {"n": 0},
        JSON,
        400,
        error(
            "Invalid 'n': integer below minimum value. Expected a value >= 1.",
            "n",
            "integer_below_min_value",
        ),
    ),
    "n: 1e9": (
        ASK | {"n": 10**9},
        JSON,
        400,
        error(
            "Invalid 'n': integer above maximum value. Expected a value <= 128.",
            "n",
            "integer_above_max_value",
        ),
    ),
    "n: true": (
        ASK | {"n": True},
        JSON,
        400,
        error(
            "Invalid type for 'n': expected an integer or null, but got a boolean instead.",
            "n",
            "invalid_type",
        ),
    ),
    "temperature: -1": (
        ASK | {"temperature": -1},
        JSON,
        400,
        error(
            "Invalid 'temperature': decimal below minimum value. Expected a value >= 0.0.",
            "temperature",
            "decimal_below_min_value",
        ),
    ),
    "temperature as text": (
        ASK | {"temperature": "0.5"},
        JSON,
        400,
        error(
            "Invalid type for 'temperature': expected a number or null, but got a string instead.",
            "temperature",
            "invalid_type",
        ),
    ),
    "temperature: 1e999": (
        with_messages(b'"temperature":1e999'),
        JSON,
        400,
        error("Invalid 'temperature': Number out of range.", "temperature", "invalid_value"),
    ),
    "an unknown field": (
        ASK | {"nobody_knows": 1},
        JSON,
        400,
        error("Unknown parameter: 'nobody_knows'.", "nobody_knows", "unknown_parameter"),
    ),
    "text/plain": (
        BODY,
        {"content-type": "text/plain"},
        415,
        error(NOT_LABELLED, code="unsupported_content_type"),
    ),
    "a form": (
        BODY,
        {"content-type": "application/x-www-form-urlencoded"},
        415,
        error(NOT_LABELLED, code="unsupported_content_type"),
    ),
    "msgpack": (
        BODY,
        {"content-type": "application/msgpack"},
        415,
        error(NOT_LABELLED, code="unsupported_content_type"),
    ),
    "a longer name": (
        BODY,
        {"content-type": "application/jsonl"},
        415,
        error(NOT_LABELLED, code="unsupported_content_type"),
    ),
    "no content type": (
        BODY,
        {"content-type": ""},
        415,
        error(NOT_LABELLED, code="unsupported_content_type"),
    ),
}


async def still_answers(service: Service) -> bool:
    return (await service.ask(ASK)).status == 200


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_body_is_refused_in_the_one_shape_and_the_server_lives_on(
    service: Service, llm: FakeLLM, case: str
) -> None:
    body, headers, status, expected = BAD[case]
    headers = dict(headers)
    if body == b"":
        headers["content-length"] = "0"

    answer = await service.ask(body, headers=headers, method="POST")

    assert (answer.status, answer.json) == (status, expected)
    assert answer.headers["content-type"] == "application/json"
    assert llm.requests == []
    assert await still_answers(service)


async def sent_at_length(service: Service, pieces: list[bytes], head: Mapping[str, str]) -> Answer:
    """Return the answer to a body that is sent while the answer may come already."""
    headers = {"content-type": "application/json", **head}
    reader, writer = await raw_http.send(service.port, CHAT, None, headers, method="POST")

    async def send() -> None:
        # A server that has refused reads no more.
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

    sending = asyncio.create_task(send())
    try:
        found = await raw_http.read_head(reader)
        return Answer(found.status, found.headers, await raw_http.read_body(reader, found))
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        with contextlib.suppress(ConnectionError):
            await raw_http.hang_up(writer)


async def test_fifteen_megabytes_of_rubbish_are_refused(service: Service) -> None:
    piece = b"1," * 2**19
    head = {"content-length": str(15 * len(piece) + 1)}

    answer = await sent_at_length(service, [b"[", *([piece] * 15)], head)

    assert (answer.status, answer.json) == (
        400,
        error(
            "Invalid type for the body: expected an object, but got an array instead.",
            None,
            "invalid_type",
        ),
    )
    assert await still_answers(service)


@pytest.mark.parametrize(
    ("size", "head"),
    [
        pytest.param(0, {"content-length": "200000000"}, id="declared and never sent"),
        pytest.param(50 * 2**20, {"content-length": str(50 * 2**20)}, id="declared and sent"),
        pytest.param(2000, {"transfer-encoding": "chunked"}, id="undeclared, small"),
        pytest.param(50 * 2**20, {"transfer-encoding": "chunked"}, id="undeclared"),
    ],
)
async def test_a_body_over_the_limit_is_refused_without_reading_it_all(
    llm: FakeLLM, size: int, head: Mapping[str, str]
) -> None:
    piece = b"x" * min(size, 2**20)
    if "transfer-encoding" in head:
        piece = b"%x\r\n%b\r\n" % (len(piece), piece)

    async with service_of(llm, max_body_bytes=1000) as service, asyncio.timeout(20):
        answer = await sent_at_length(service, [piece] * -(-size // 2**20), head)

        assert (answer.status, answer.json) == (413, error(TOO_LARGE, code="request_too_large"))
        assert answer.headers["connection"] == "close"
        assert await still_answers(service)
    assert len(llm.requests) == 1


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON ;x=y"],
)
async def test_json_by_any_spelling_of_its_name_is_taken(
    service: Service, content_type: str
) -> None:
    answer = await service.ask(ASK, headers={"content-type": content_type})

    assert answer.status == 200


async def test_a_client_that_leaves_within_its_body_is_nobodys_loss(
    service: Service, llm: FakeLLM
) -> None:
    head = {"content-type": "application/json", "content-length": "100"}
    _, writer = await raw_http.send(service.port, CHAT, None, head, method="POST")
    writer.write(b"{")
    await raw_http.hang_up(writer)

    assert await still_answers(service)
    assert len(llm.requests) == 1
