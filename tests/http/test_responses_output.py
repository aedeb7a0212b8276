"""What comes back: items, whole and streamed, and failures."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import FinishReason, TokenLogprob, Usage
from domain.errors import UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.messages import Message, Role
from domain.sampling import JSONObjectFormat, JSONSchemaFormat
from tests.support import raw_http
from tests.support.fake_llm import USAGE
from tests.support.response_streams import faults, read
from tests.support.responses import CALL, CALLED, PATH, STOP, TOOL, ask, message, response
from tests.support.service import service_of

if TYPE_CHECKING:
    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service


async def test_a_call_is_an_item(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("Let me see."), CALL, CALLED])

    answer = await ask(service, model="tools-model", tools=[TOOL])

    call = {
        "type": "function_call",
        "id": "fc_5",
        "status": "completed",
        "call_id": "call_1",
        "name": "get_weather",
        "arguments": '{"city":"Rome"}',
    }
    assert answer.json["output"] == [message("Let me see."), call]


async def test_a_custom_tool_gets_its_input_as_it_is(service: Service, llm: FakeLLM) -> None:
    tool = {"type": "custom", "name": "sh", "description": "Runs it."}
    llm.play([ToolCallDelta(0, "call_1", "sh", '{"input":"ls -l"}'), CALLED])

    answer = await ask(service, model="tools-model", tools=[tool | {"format": {"type": "text"}}])

    assert answer.json["tools"] == [tool | {"format": {"type": "text"}}]
    assert answer.json["output"][0] == {
        "type": "custom_tool_call",
        "id": "ctc_4",
        "status": "completed",
        "call_id": "call_1",
        "name": "sh",
        "input": "ls -l",
    }
    assert llm.requests[0].tools[0].parameters["required"] == ["input"]


async def test_thoughts_are_a_reasoning_item(service: Service, llm: FakeLLM) -> None:
    llm.play(
        [ReasoningDelta("Hm."), TextDelta("Hello"), Finished(FinishReason.STOP, Usage(7, 2, 3, 1))]
    )

    answer = await ask(service, model="thinker", reasoning={"effort": "high"})

    assert answer.json["output"] == [
        {
            "type": "reasoning",
            "id": "rs_4",
            "status": "completed",
            "summary": [{"type": "summary_text", "text": "Hm."}],
        },
        message(id_="msg_5"),
    ]
    assert answer.json["usage"]["input_tokens_details"]["cached_tokens"] == 3
    assert answer.json["usage"]["output_tokens_details"]["reasoning_tokens"] == 1


async def test_stateless_thoughts_can_be_sent_back(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), TextDelta("Hello"), STOP])
    include = ["reasoning.encrypted_content"]
    first = await ask(service, store=False, include=include)
    thought = first.json["output"][0] | {"summary": []}
    assert thought["encrypted_content"]

    await ask(
        service,
        store=False,
        include=include,
        input=[
            {"role": "user", "content": "Hi"},
            thought,
            first.json["output"][1],
            {"type": "reasoning", "summary": [], "encrypted_content": "of another server"},
            {"role": "user", "content": "More"},
        ],
    )

    assert llm.requests[1].messages == (
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, "Hello", reasoning="Hm."),
        Message(Role.USER, "More"),
    )


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param({"type": "json_object"}, JSONObjectFormat(), id="any object"),
        pytest.param(
            {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True},
            JSONSchemaFormat("a", {"type": "object"}, strict=True),
            id="schema",
        ),
    ],
)
async def test_the_form_of_the_text(
    service: Service, llm: FakeLLM, form: dict[str, Any], expected: object
) -> None:
    llm.play([TextDelta("{}"), STOP])

    answer = await ask(service, text={"format": form})

    assert llm.requests[0].output == expected
    shown = {"description": None} if "schema" in form else {}
    assert answer.json["text"] == {"format": form | shown}


async def test_log_probabilities_come_when_included(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hi", (TokenLogprob("Hi", -0.5, None),)), STOP])

    answer = await ask(service, include=["message.output_text.logprobs"], top_logprobs=2)

    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []}
    assert answer.json["output"][0]["content"][0]["logprobs"] == [entry]
    assert llm.requests[0].top_logprobs == 2


async def test_an_answer_that_was_cut_is_incomplete(service: Service, llm: FakeLLM) -> None:
    llm.play([TextDelta("Hel"), Finished(FinishReason.LENGTH, USAGE)])

    answer = await ask(service, max_output_tokens=16)

    assert answer.json == response(
        message("Hel", status="incomplete"),
        status="incomplete",
        completed_at=None,
        incomplete_details={"reason": "max_output_tokens"},
        max_output_tokens=16,
    )


async def test_a_stream_has_every_event_in_its_place(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm.")], [TextDelta("Hel")], [TextDelta("lo"), CALL, CALLED])

    answer = await ask(service, model="tools-model", tools=[TOOL], stream=True)

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    records = read(answer.body)
    assert faults(records) == []
    assert [record["type"].removeprefix("response.") for record in records] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    kept = await service.ask(path=f"{PATH}/resp_2")
    assert kept.json == records[-1]["response"]


async def test_a_failure_before_the_first_event_is_an_http_error(
    service: Service, llm: FakeLLM
) -> None:
    llm.play(UpstreamProtocolError("It broke.", code="upstream_garbage"))

    answer = await ask(service, stream=True)

    assert (answer.status, answer.json["error"]["message"]) == (502, "It broke.")


async def test_a_failure_after_it_is_a_failed_response_that_is_not_kept(
    service: Service, llm: FakeLLM
) -> None:
    llm.play([TextDelta("Hel")], UpstreamProtocolError("It broke.", code="upstream_truncated"))

    answer = await ask(service, stream=True)

    records = read(answer.body)
    assert faults(records) == []
    assert records[-1]["response"]["error"]["message"] == "It broke."
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert (await service.ask(path=f"{PATH}/resp_2")).status == 404


async def test_a_failure_after_a_heartbeat_is_a_failed_response(llm: FakeLLM) -> None:
    held = asyncio.Event()
    llm.play(held, UpstreamProtocolError("It broke."))
    async with service_of(llm, heartbeat_after_s=0.01) as service, asyncio.timeout(10):
        body = {"input": "Hi", "stream": True}
        reader, writer = await raw_http.send(service.port, PATH, body)
        head = await raw_http.read_head(reader)
        assert await raw_http.read_chunk(reader) == b": keep-alive\n\n"
        held.set()
        records = read(await raw_http.read_body(reader, head))
        await raw_http.hang_up(writer)

    assert faults(records) == []
    assert [record["type"] for record in records][-1] == "response.failed"
