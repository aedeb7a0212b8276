"""A create that is repeated under one Idempotency-Key is answered once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.errors import UpstreamProtocolError
from domain.events import ReasoningDelta, TextDelta, ToolCallDelta
from tests.support import raw_http
from tests.support.response_streams import faults, read
from tests.support.responses import CALL, CALLED, OPENAI, PATH, TOOL, ask
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

KEYED = OPENAI | {"idempotency-key": "k-1"}


async def test_a_repeated_request_gets_the_same_response(service: Service, llm: FakeLLM) -> None:
    first = await ask(service, KEYED)
    second = await ask(service, KEYED)
    other = await ask(service, KEYED | {"idempotency-key": "k-2"})

    assert second.json == first.json
    assert other.json["id"] != first.json["id"]
    assert len(llm.requests) == 2


async def test_a_repeated_stream_tells_the_same(service: Service, llm: FakeLLM) -> None:
    custom = {"type": "custom", "name": "sh"}
    llm.play(
        [ReasoningDelta("Hm."), TextDelta("Let me see."), CALL],
        [ToolCallDelta(1, "call_2", "sh", '{"input":"ls"}'), CALLED],
    )

    first, second = [
        await ask(service, KEYED, model="tools-model", tools=[TOOL, custom], stream=True)
        for _ in range(2)
    ]

    assert read(second.body)[-1] == read(first.body)[-1]
    assert faults(read(second.body)) == faults(read(first.body)) == []
    assert len(llm.requests) == 1


async def test_a_key_is_for_one_request(service: Service) -> None:
    await ask(service, KEYED)

    answer = await ask(service, KEYED, input="Ho")

    error = answer.json["error"]
    assert (answer.status, error["code"]) == (400, "idempotency_key_reused")


async def test_while_it_is_answered_it_is_refused(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    body = {"input": "Hi", "stream": True}
    reader, writer = await raw_http.send(service.port, PATH, body, KEYED)
    await reader.readuntil(b'"delta":"Hel"')

    early = await service.ask(body, PATH, KEYED)
    llm.gate.set()
    await reader.readuntil(b"[DONE]")
    await raw_http.hang_up(writer)
    late = await service.ask(body, PATH, KEYED)

    assert (early.status, early.json["error"]["code"]) == (409, "idempotency_key_in_use")
    assert read(late.body)[-1]["type"] == "response.completed"
    assert len(llm.requests) == 1


async def test_a_failure_lets_the_next_one_try(service: Service, llm: FakeLLM) -> None:
    llm.play(UpstreamProtocolError("It broke."))
    llm.play(UpstreamProtocolError("It broke."))
    llm.play([TextDelta("Hel")], UpstreamProtocolError("It broke."))

    whole = await ask(service, KEYED)
    early = await ask(service, KEYED, stream=True)
    late = await ask(service, KEYED, stream=True)
    last = await ask(service, KEYED, stream=True)

    assert (whole.status, early.status) == (502, 502)
    assert read(late.body)[-1]["type"] == "response.failed"
    assert read(last.body)[-1]["type"] == "response.completed"


async def test_a_response_in_the_background_is_made_once(service: Service, llm: FakeLLM) -> None:
    first = await ask(service, KEYED, background=True)
    await service.ask(path=f"{PATH}/{first.json['id']}?stream=true")
    second = await ask(service, KEYED, background=True)
    streamed = {"idempotency-key": "k-2"} | OPENAI
    streams = [await ask(service, streamed, background=True, stream=True) for _ in range(2)]

    assert (second.json["id"], second.json["status"]) == (first.json["id"], "completed")
    assert streams[0].body == streams[1].body
    assert len(llm.requests) == 2


async def test_a_deleted_response_is_made_anew(service: Service, llm: FakeLLM) -> None:
    first = await ask(service, KEYED)
    await service.ask(path=f"{PATH}/{first.json['id']}", method="DELETE")

    second = await ask(service, KEYED)

    assert (second.status, len(llm.requests)) == (200, 2)
    assert second.json["id"] != first.json["id"]


async def test_what_is_not_kept_is_not_repeated(service: Service, llm: FakeLLM) -> None:
    for _ in range(2):
        await ask(service, KEYED, store=False)
        await ask(service, KEYED | {"x-responses-shape": "simple"})

    assert len(llm.requests) == 4


async def test_a_key_of_any_length_is_not_taken(service: Service) -> None:
    answer = await ask(service, KEYED | {"idempotency-key": "k" * 256})

    error = answer.json["error"]
    assert (answer.status, error["param"]) == (400, "Idempotency-Key")


async def test_keys_are_each_callers_own(llm: FakeLLM) -> None:
    one, two = ({"x-api-key": key} | KEYED for key in ("key-one", "key-two"))
    async with service_of(llm, api_key="key-one,key-two") as service:
        first, second = await ask(service, one), await ask(service, two)

    assert first.json["id"] != second.json["id"]
