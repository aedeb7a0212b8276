"""Responses that are made while nobody waits: polled, followed, cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import FinishReason
from domain.errors import UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta
from tests.support import raw_http
from tests.support.fake_llm import USAGE
from tests.support.response_streams import read
from tests.support.responses import OPENAI, PATH, ask, message, response
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Answer, Service

BACKGROUND = {"background": True}
WAITING = {"status": "queued", "completed_at": None, "usage": None, **BACKGROUND}


async def finished(service: Service, response_id: str = "resp_2") -> Answer:
    """Return a response once it is final; following it waits for that."""
    await service.ask(path=f"{PATH}/{response_id}?stream=true")
    return await service.ask(path=f"{PATH}/{response_id}")


def kinds(records: list[dict[str, Any]]) -> list[str]:
    return [record["type"].removeprefix("response.") for record in records]


async def test_a_response_in_the_background_waits_and_is_made(service: Service) -> None:
    taken = await ask(service, **BACKGROUND)
    made = await finished(service)

    assert (taken.status, taken.json) == (200, response(**WAITING))
    assert made.json == response(message(id_=made.json["output"][0]["id"]), **BACKGROUND)


async def test_it_is_in_progress_once_the_model_answers(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    await ask(service, **BACKGROUND)
    reader, writer = await raw_http.send(service.port, f"{PATH}/resp_2?stream=true")
    await reader.readuntil(b"response.output_text.delta")

    polled = await service.ask(path=f"{PATH}/resp_2")
    llm.gate.set()
    await reader.readuntil(b"[DONE]")
    await raw_http.hang_up(writer)

    assert polled.json == response(**WAITING | {"status": "in_progress"})


async def test_a_stream_begins_while_the_response_waits(service: Service) -> None:
    answer = await ask(service, stream=True, **BACKGROUND)

    records = read(answer.body)
    assert [record["sequence_number"] for record in records] == list(range(len(records)))
    assert kinds(records) == [
        "created",
        "queued",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert records[0]["response"] == records[1]["response"] == response(**WAITING)
    assert records[2]["response"] == response(**WAITING | {"status": "in_progress"})
    assert records[-1]["response"] == (await service.ask(path=f"{PATH}/resp_2")).json


async def test_a_stream_can_be_had_again_from_any_event_on(service: Service) -> None:
    answer = await ask(service, stream=True, **BACKGROUND)
    records = read(answer.body)

    whole = await service.ask(path=f"{PATH}/resp_2?stream=true")
    rests = [
        read((await service.ask(path=f"{PATH}/resp_2?stream=true&starting_after={n}")).body)
        for n in range(len(records))
    ]

    assert whole.body == answer.body
    assert rests == [records[n + 1 :] for n in range(len(records))]


@pytest.mark.parametrize("number", ["99", "9" * 5000])
async def test_what_comes_after_the_end_is_nothing(service: Service, number: str) -> None:
    await ask(service, stream=True, **BACKGROUND)

    answer = await service.ask(path=f"{PATH}/resp_2?stream=true&starting_after={number}")

    assert (answer.status, answer.body) == (200, b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("stream=maybe", "stream"),
        ("stream=true&starting_after=abc", "starting_after"),
        ("stream=true&starting_after=-1", "starting_after"),
        ("include[]=bogus", "include"),
    ],
)
async def test_a_query_that_says_nothing_is_refused_by_its_name(
    service: Service, query: str, param: str
) -> None:
    await ask(service, **BACKGROUND)

    answer = await service.ask(path=f"{PATH}/resp_2?{query}")

    assert (answer.status, answer.json["error"]["param"]) == (400, param)
    assert answer.json["error"]["code"] == "invalid_value"


@pytest.mark.parametrize("word", ["True", "1"])
async def test_a_stream_may_be_asked_for_in_other_words(service: Service, word: str) -> None:
    answer = await ask(service, stream=True, **BACKGROUND)

    again = await service.ask(path=f"{PATH}/resp_2?stream={word}")

    assert again.body == answer.body


async def test_it_goes_on_when_its_caller_leaves(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    body = {"input": "Hi", "stream": True, **BACKGROUND}
    reader, writer = await raw_http.send(service.port, PATH, body, OPENAI)
    await reader.readuntil(b'"delta":"Hel"')
    await raw_http.hang_up(writer)

    llm.gate.set()
    made = await finished(service)

    assert made.json["status"] == "completed"


async def test_who_comes_late_sees_all_of_it_live(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    await ask(service, **BACKGROUND)
    reader, writer = await raw_http.send(service.port, f"{PATH}/resp_2?stream=true")
    head = await raw_http.read_head(reader)
    first = await raw_http.read_chunk(reader)

    llm.gate.set()
    rest = await raw_http.read_body(reader, head)
    await raw_http.hang_up(writer)

    assert kinds(read(first + rest))[0] == "created"
    assert kinds(read(first + rest))[-1] == "completed"


async def test_a_failure_is_told_by_the_response(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), TextDelta("Hel")], UpstreamProtocolError("It broke."))

    await ask(service, **BACKGROUND)
    made = await finished(service)

    thought = made.json["output"][0]
    assert thought["type"] == "reasoning"
    failure = {"code": "server_error", "message": "It broke.", "type": "server_error"}
    more = {"status": "failed", "error": failure}
    assert made.json == response(thought, **WAITING | more)


async def test_a_model_that_is_not_there_is_a_failure(service: Service) -> None:
    await ask(service, model="nonesuch", **BACKGROUND)
    answer = await service.ask(path=f"{PATH}/resp_2?stream=true")

    assert kinds(read(answer.body)) == ["created", "queued", "failed"]


async def test_an_answer_that_was_cut_is_incomplete(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel"), Finished(FinishReason.LENGTH, USAGE)])

    await ask(service, **BACKGROUND)
    made = await finished(service)

    assert (made.json["status"], made.json["completed_at"]) == ("incomplete", None)


async def test_a_response_is_cancelled_once(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    await ask(service, **BACKGROUND)
    reader, writer = await raw_http.send(service.port, f"{PATH}/resp_2?stream=true")
    await reader.readuntil(b'"delta":"Hel"')

    first = await service.ask(path=f"{PATH}/resp_2/cancel", method="POST")
    second = await service.ask(path=f"{PATH}/resp_2/cancel", method="POST")
    rest = await reader.readuntil(b"[DONE]")
    await raw_http.hang_up(writer)

    assert first.json == response(**WAITING | {"status": "cancelled"})
    assert second.json == first.json == (await service.ask(path=f"{PATH}/resp_2")).json
    assert b'event: response.incomplete\ndata: {"type":"response.incomplete"' in rest
    assert b'"status":"cancelled"' in rest
    assert llm.streams[0].closed.is_set()


async def test_one_that_is_complete_cannot_be_undone(service: Service) -> None:
    await ask(service, **BACKGROUND)
    made = await finished(service)

    answer = await service.ask(path=f"{PATH}/resp_2/cancel", method="POST")

    assert (answer.status, answer.json) == (200, made.json)


async def test_what_is_not_in_the_background_cannot_be_cancelled(service: Service) -> None:
    await ask(service)

    answer = await service.ask(path=f"{PATH}/resp_2/cancel", method="POST")
    missing = await service.ask(path=f"{PATH}/resp_0/cancel", method="POST")

    assert (answer.status, missing.status) == (400, 404)
    assert "in the background" in answer.json["error"]["message"]


async def test_deleting_ends_it(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    await ask(service, **BACKGROUND)
    reader, writer = await raw_http.send(service.port, f"{PATH}/resp_2?stream=true")
    await reader.readuntil(b'"delta":"Hel"')

    gone = await service.ask(path=f"{PATH}/resp_2", method="DELETE")
    rest = await reader.readuntil(b"\r\n0\r\n\r\n")
    await raw_http.hang_up(writer)

    assert gone.json["deleted"]
    assert b'data: {"error":{"message":"Response with id' in rest
    assert llm.streams[0].closed.is_set()


async def test_going_on_waits_until_it_is_made(service: Service, llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    await ask(service, **BACKGROUND)

    early = await ask(service, previous_response_id="resp_2")
    llm.gate.set()
    await finished(service)
    late = await ask(service, previous_response_id="resp_2")

    assert "is not finished" in early.json["error"]["message"]
    assert late.status == 200


async def test_it_must_be_kept(service: Service) -> None:
    answer = await ask(service, store=False, **BACKGROUND)
    simple = await ask(service, {"x-responses-shape": "simple"}, **BACKGROUND)

    for refused in (answer, simple):
        assert (refused.status, refused.json["error"]["param"]) == (400, "background")


async def test_what_cannot_be_answered_is_refused_at_once(service: Service) -> None:
    answer = await ask(service, previous_response_id="resp_0", **BACKGROUND)
    streamed = await ask(service, previous_response_id="resp_0", stream=True, **BACKGROUND)

    for refused in (answer, streamed):
        assert refused.json["error"]["code"] == "previous_response_not_found"


async def test_two_keys_never_see_each_others(llm: FakeLLM) -> None:
    one, two = ({"authorization": f"Bearer {key}"} | OPENAI for key in ("key-one", "key-two"))
    async with service_of(llm, api_key="key-one,key-two") as service:
        made = (await ask(service, one, **BACKGROUND)).json["id"]

        answers = [
            await service.ask(path=f"{PATH}/{made}?stream=true", headers=two),
            await service.ask(path=f"{PATH}/{made}/input_items", headers=two),
            await service.ask(path=f"{PATH}/{made}/cancel", headers=two, method="POST"),
        ]

    assert [answer.status for answer in answers] == [404, 404, 404]


async def test_nothing_is_kept_where_nothing_is_to_be_kept(llm: FakeLLM) -> None:
    async with service_of(llm, response_store="none") as service:
        made = await ask(service)
        gone = await service.ask(path=f"{PATH}/resp_2")
        chained = await ask(service, previous_response_id="resp_2")
        background = await ask(service, **BACKGROUND)
        conversation = await service.ask({}, "/v1/conversations")

    assert made.json == response(message(), store=False)
    assert gone.status == 404
    assert chained.json["error"]["code"] == "previous_response_not_found"
    assert background.json["error"]["param"] == "background"
    assert "RESPONSE_STORE=none" in background.json["error"]["message"]
    assert (conversation.status, conversation.json["error"]["code"]) == (
        400,
        "unsupported_endpoint",
    )


async def test_what_is_under_way_when_the_service_ends_has_failed(llm: FakeLLM) -> None:
    llm.gate = asyncio.Event()
    async with service_of(llm) as service:
        await ask(service, **BACKGROUND)
        await llm.asked.wait()

    assert llm.streams[0].closed.is_set()
