"""POST /v1/responses: what goes to the model, what comes back, and what is kept."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import FinishReason, TokenLogprob, Usage
from domain.errors import UpstreamProtocolError
from domain.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.messages import ImagePart, Message, Role, TextPart
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, ReasoningEffort, Verbosity
from domain.tools import ToolCall, ToolChoice, ToolDefinition
from tests.support import raw_http
from tests.support.fake_llm import USAGE
from tests.support.response_streams import faults, read
from tests.support.service import service_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Answer, Service

PATH = "/v1/responses"
OPENAI = {"x-responses-shape": "openai"}
STOP = Finished(FinishReason.STOP, USAGE)
CALLED = Finished(FinishReason.TOOL_CALLS, USAGE)
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather",
    "parameters": PARAMETERS,
    "strict": True,
}
WEATHER = ToolDefinition("get_weather", "Weather", PARAMETERS, strict=True)
CALL = ToolCallDelta(0, "call_1", "get_weather", '{"city":"Rome"}')
GIF = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
PIXEL = ImagePart("image/gif", "R0lGODlhAQABAAAAACw=")


def message(text: str = "Hello", id_: str = "msg_4", **more: Any) -> dict[str, Any]:
    part: dict[str, Any] = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    return {
        "type": "message",
        "id": id_,
        "status": "completed",
        "role": "assistant",
        "content": [part],
        **more,
    }


def response(*output: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": "resp_2",
        "object": "response",
        "created_at": 1_700_000_000,
        "completed_at": 1_700_000_000,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": "smollm2:135m",
        "output": list(output),
        "previous_response_id": None,
        "usage": {
            "input_tokens": 7,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 9,
        },
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": True,
        "temperature": 0.7,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
        **more,
    }


async def ask(service: Service, headers: Mapping[str, str] = OPENAI, /, **body: Any) -> Answer:
    return await service.ask({"input": "Hi"} | body, PATH, headers)


async def test_the_simple_shape_has_two_keys(service: Service, llm: FakeLLM) -> None:
    body = {"model": "llama3", "input": "Hi", "instructions": "Be brief.", "temperature": 0}

    answer = await service.ask(body, PATH)

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body == b'{"model":"llama3","output":{"role":"assistant","content":"Hello"}}'
    assert llm.requests[0].messages == (
        Message(Role.SYSTEM, "Be brief."),
        Message(Role.USER, "Hi"),
    )
    assert llm.requests[0].sampling.temperature == 0


async def test_the_simple_shape_has_the_same_defaults(service: Service, llm: FakeLLM) -> None:
    answer = await service.ask({"input": "Hi"}, PATH)

    assert answer.json["model"] == "smollm2:135m"
    assert llm.requests[0].sampling.temperature == 0.7


async def test_the_simple_shape_leaves_thoughts_out(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), TextDelta("Hello"), STOP])

    answer = await service.ask({"input": "Hi"}, PATH)

    assert answer.json["output"]["content"] == "Hello"


async def test_the_simple_shape_keeps_nothing(service: Service) -> None:
    answer = await ask(service, {"x-responses-shape": "simple"}, store=True)

    assert list(answer.json) == ["model", "output"]
    assert (await service.ask(path=f"{PATH}/resp_2")).status == 404


async def test_the_simple_shape_streams(service: Service) -> None:
    answer = await ask(service, {"x-responses-shape": "simple"}, stream=True)

    assert answer.body == (
        b'data: {"model":"smollm2:135m","output":{"role":"assistant","content":"Hel"}}\n\n'
        b'data: {"model":"smollm2:135m","output":{"role":"assistant","content":"lo"}}\n\n'
        b"data: [DONE]\n\n"
    )


async def test_tools_do_not_go_with_the_simple_shape(service: Service) -> None:
    answer = await ask(service, {"x-responses-shape": "simple"}, model="tools-model", tools=[TOOL])

    assert answer.status == 400
    assert answer.json["error"]["param"] == "tools"
    assert "x-responses-shape: openai" in answer.json["error"]["message"]


async def test_the_setting_decides_the_shape(llm: FakeLLM) -> None:
    async with service_of(llm, responses_shape="openai") as service:
        answer = await service.ask({"input": "Hi"}, PATH)

    assert answer.json["object"] == "response"


async def test_a_response_is_whole(service: Service) -> None:
    answer = await ask(service)

    assert answer.status == 200
    assert answer.json == response(message())


async def test_what_was_applied_is_repeated(service: Service, llm: FakeLLM) -> None:
    llm.play([CALL, CALLED])
    sent: dict[str, Any] = {
        "model": "thinker",
        "instructions": "Be brief.",
        "max_output_tokens": 64,
        "max_tool_calls": 3,
        "metadata": {"topic": "tea"},
        "parallel_tool_calls": False,
        "presence_penalty": 0.5,
        "frequency_penalty": -0.5,
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low", "summary": "auto"},
        "safety_identifier": "s",
        "store": False,
        "temperature": 1.5,
        "text": {"format": {"type": "text"}, "verbosity": "low"},
        "tool_choice": "auto",
        "tools": [TOOL],
        "top_logprobs": 2,
        "top_p": 0.5,
        "truncation": "auto",
        "user": "u",
    }

    answer = await ask(service, **sent, service_tier="auto")

    assert answer.json | sent == answer.json
    request = llm.requests[0]
    assert request.sampling.max_tokens == 64
    assert request.sampling.top_p == 0.5
    assert request.sampling.presence_penalty == 0.5
    assert request.sampling.frequency_penalty == -0.5
    assert request.reasoning is ReasoningEffort.LOW
    assert request.verbosity is Verbosity.LOW
    assert request.tools == (WEATHER,)
    assert not request.parallel_tool_calls
    assert request.engine.truncate
    assert request.top_logprobs is None


async def test_null_means_not_given(service: Service) -> None:
    names = (
        "model instructions stream stream_options store background previous_response_id "
        "conversation include temperature top_p max_output_tokens max_tool_calls top_logprobs "
        "tools tool_choice parallel_tool_calls text reasoning truncation metadata user "
        "safety_identifier prompt_cache_key prompt_cache_retention prompt_cache_options "
        "service_tier prompt moderation context_management"
    )

    answer = await ask(service, **dict.fromkeys(names.split()))

    assert answer.json == response(message())
    assert "x-ignored-parameters" not in answer.headers


async def test_every_kind_of_item_reaches_the_model(service: Service, llm: FakeLLM) -> None:
    answer = await ask(
        service,
        model="viewer",
        input=[
            {"role": "developer", "content": "Be brief."},
            {
                "type": "message",
                "role": "system",
                "content": [{"type": "text", "text": "Be kind."}],
            },
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What?"},
                    {"type": "input_image", "image_url": GIF, "detail": "low"},
                    {"type": "image_url", "image_url": {"url": GIF}},
                ],
            },
            {
                "type": "reasoning",
                "id": "rs_0",
                "summary": [{"type": "summary_text", "text": "Hm."}],
            },
            {
                "type": "message",
                "id": "msg_0",
                "role": "assistant",
                "status": "completed",
                "phase": "commentary",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Let me see.",
                        "annotations": [],
                        "logprobs": [],
                    },
                    {"type": "refusal", "refusal": " Or not."},
                ],
            },
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "one"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "sh", "input": "ls"},
            {
                "type": "custom_tool_call_output",
                "call_id": "c2",
                "output": [{"type": "input_text", "text": "two"}],
            },
            {"role": "assistant", "content": "There."},
            {"role": "user", "content": "Thanks."},
        ],
    )

    assert answer.status == 200
    assert llm.requests[0].messages == (
        Message(Role.SYSTEM, "Be brief.\n\nBe kind."),
        Message(Role.USER, (TextPart("What?"), PIXEL, PIXEL)),
        Message(
            Role.ASSISTANT,
            "Let me see. Or not.",
            tool_calls=(ToolCall("c1", "f", '{"a":1}'),),
            reasoning="Hm.",
        ),
        Message(Role.TOOL, "one", tool_call_id="c1", tool_name="f"),
        Message(Role.ASSISTANT, tool_calls=(ToolCall("c2", "sh", '{"input":"ls"}'),)),
        Message(Role.TOOL, "two", tool_call_id="c2", tool_name="sh"),
        Message(Role.ASSISTANT, "There."),
        Message(Role.USER, "Thanks."),
    )


async def test_items_of_hosted_tools_are_passed_over_and_named(
    service: Service, llm: FakeLLM
) -> None:
    answer = await ask(
        service,
        input=[
            {"role": "user", "content": "Hi"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
            {"type": "computer_call_output", "call_id": "c", "output": {"type": "screenshot"}},
        ],
    )

    assert answer.headers["x-ignored-parameters"] == "input[1], input[2]"
    assert llm.requests[0].messages == (Message(Role.USER, "Hi"),)


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


async def test_tools_that_are_not_run_are_passed_over_beside_others(
    service: Service, llm: FakeLLM
) -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
    tools = [
        {"type": "web_search", "search_context_size": "low"},
        TOOL,
        {"type": "custom", "name": "apply_patch", "format": grammar},
        {"type": "local_shell"},
    ]

    answer = await ask(service, model="tools-model", tools=tools)

    assert answer.headers["x-ignored-parameters"] == "tools[0], tools[2], tools[3]"
    assert answer.json["tools"] == [TOOL]
    assert llm.requests[0].tools == (WEATHER,)


@pytest.mark.parametrize(
    ("choice", "expected", "offered", "parallel"),
    [
        pytest.param("none", ToolChoice.NONE, ["get_weather", "f"], True, id="none"),
        pytest.param("auto", ToolChoice.AUTO, ["get_weather", "f"], True, id="auto"),
        pytest.param(
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "x"}],
            },
            ToolChoice.AUTO,
            ["f"],
            True,
            id="allowed",
        ),
    ],
)
async def test_the_choice_of_tools(
    service: Service,
    llm: FakeLLM,
    choice: Any,
    expected: ToolChoice,
    offered: list[str],
    *,
    parallel: bool,
) -> None:
    tools = [TOOL, {"type": "function", "name": "f"}]

    answer = await ask(service, model="tools-model", tools=tools, tool_choice=choice)

    request = llm.requests[0]
    assert request.tool_choice is expected
    assert [tool.name for tool in request.tools] == offered
    assert request.parallel_tool_calls is parallel
    assert answer.json["tool_choice"] == (
        choice
        if isinstance(choice, str)
        else choice | {"tools": [{"type": "function", "name": "f"}, {"type": "mcp"}]}
    )
    assert len(answer.json["tools"]) == 2


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param("required", id="required"),
        pytest.param({"type": "function", "name": "get_weather"}, id="named"),
    ],
)
async def test_a_call_can_be_forced(service: Service, llm: FakeLLM, choice: Any) -> None:
    envelope = '{"tool_calls":[{"name":"get_weather","arguments":{"city":"Rome"}}]}'
    llm.play([TextDelta(envelope), STOP])

    answer = await ask(service, model="tools-model", tools=[TOOL], tool_choice=choice)

    (call,) = answer.json["output"]
    assert (call["type"], call["arguments"]) == ("function_call", '{"city":"Rome"}')
    assert answer.json["tool_choice"] == choice


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


async def test_unknown_fields_inside_are_left_out_and_named(service: Service) -> None:
    answer = await ask(
        service,
        input=[{"role": "user", "content": "Hi", "cache_control": {}}],
        context_management=[{"type": "compaction"}],
        session_id="s",
    )

    assert answer.status == 200
    named = answer.headers["x-ignored-parameters"].split(", ")
    assert sorted(named) == ["context_management", "input[].cache_control", "session_id"]


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


async def test_a_response_can_be_had_again(service: Service) -> None:
    made = await ask(service, metadata={"a": "b"})

    kept = await service.ask(path=f"{PATH}/resp_2?include[]=reasoning.encrypted_content")

    assert kept.json == made.json


async def test_a_response_that_is_not_stored_is_gone(service: Service) -> None:
    await ask(service, store=False)

    assert (await service.ask(path=f"{PATH}/resp_2")).status == 404
    answer = await ask(service, previous_response_id="resp_2")
    assert answer.json["error"] == {
        "message": "Previous response with id 'resp_2' not found.",
        "type": "invalid_request_error",
        "param": "previous_response_id",
        "code": "previous_response_not_found",
    }


async def test_a_deleted_response_is_gone(service: Service) -> None:
    await ask(service)

    gone = await service.ask(path=f"{PATH}/resp_2", method="DELETE")

    assert gone.json == {"id": "resp_2", "object": "response", "deleted": True}
    for method in ("GET", "DELETE"):
        answer = await service.ask(path=f"{PATH}/resp_2", method=method)
        assert answer.status == 404
        assert answer.json["error"]["message"] == "Response with id 'resp_2' not found."


async def test_only_background_responses_stream_again(service: Service) -> None:
    await ask(service)

    answer = await service.ask(path=f"{PATH}/resp_2?stream=true&starting_after=2")

    assert (answer.status, answer.json["error"]["param"]) == (400, "stream")


async def test_a_response_goes_on_from_another(service: Service, llm: FakeLLM) -> None:
    llm.play([ReasoningDelta("Hm."), CALL, CALLED])
    first = await ask(service, model="tools-model", tools=[TOOL], instructions="Be brief.")
    output = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}

    second = await ask(
        service,
        model="tools-model",
        input=[output],
        previous_response_id=first.json["id"],
        instructions="Be kind.",
    )
    third = await ask(service, model="tools-model", previous_response_id=second.json["id"])

    assert third.json["previous_response_id"] == second.json["id"]
    call = ToolCall("call_1", "get_weather", '{"city":"Rome"}')
    context = (
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, tool_calls=(call,), reasoning="Hm."),
        Message(Role.TOOL, "sunny", tool_call_id="call_1", tool_name="get_weather"),
    )
    assert llm.requests[1].messages == (Message(Role.SYSTEM, "Be kind."), *context)
    assert llm.requests[1].tools == ()
    assert llm.requests[2].messages == (
        *context,
        Message(Role.ASSISTANT, "Hello"),
        Message(Role.USER, "Hi"),
    )


async def test_going_on_needs_no_input(service: Service, llm: FakeLLM) -> None:
    await ask(service)

    answer = await ask(service, input=[], previous_response_id="resp_2")

    assert answer.status == 200
    assert len(llm.requests[1].messages) == 2


async def test_an_item_can_be_named_in_place_of_itself(service: Service, llm: FakeLLM) -> None:
    made = await ask(service)
    item = made.json["output"][0]["id"]

    await ask(
        service,
        input=[
            {"id": item},
            {"type": "item_reference", "id": item},
            {"role": "user", "content": "?"},
        ],
    )

    assert llm.requests[1].messages == (
        Message(Role.ASSISTANT, "Hello"),
        Message(Role.ASSISTANT, "Hello"),
        Message(Role.USER, "?"),
    )


async def test_an_item_that_is_not_there_is_not_found(service: Service) -> None:
    answer = await ask(service, input=[{"type": "item_reference", "id": "msg_0"}])

    assert answer.status == 404
    assert answer.json["error"]["message"] == "Item with id 'msg_0' not found."
    assert answer.json["error"]["param"] == "input"


async def test_two_keys_never_see_each_others_responses(llm: FakeLLM) -> None:
    one, two = ({"authorization": f"Bearer {key}"} | OPENAI for key in ("key-one", "key-two"))
    async with service_of(llm, api_key="key-one,key-two") as service:
        made = await ask(service, one)
        path = f"{PATH}/{made.json['id']}"
        item = made.json["output"][0]["id"]

        assert (await service.ask(path=path, headers=one)).json == made.json
        for method in ("GET", "DELETE"):
            answer = await service.ask(path=path, headers=two, method=method)
            assert answer.status == 404
        chained = await ask(service, two, previous_response_id=made.json["id"])
        assert chained.json["error"]["code"] == "previous_response_not_found"
        assert (await ask(service, two, input=[{"id": item}])).status == 404
        assert (await service.ask(path=path, headers=one)).status == 200
