"""Calls through constrained output, and what an answer is held to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from domain.chat import ChatRequest, ChatResult, FinishReason
from domain.errors import InvalidOutputError
from domain.events import Finished, ReasoningDelta, TextDelta, TextRun, ToolCallDelta
from domain.messages import Message, Role
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, Sampling
from domain.tools import ToolCall, ToolChoice
from tests.support import builders
from tests.support.answering import chat_service
from tests.support.fake_llm import USAGE, FakeLLM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.events import ChatEvent

STOP = Finished(FinishReason.STOP, USAGE)
CUT = Finished(FinishReason.LENGTH, USAGE)
CALLED = Finished(FinishReason.TOOL_CALLS, USAGE)
WEATHER = builders.ToolDefinitionFactory.build()
STRICT = builders.ToolDefinitionFactory.build(strict=True)
FORM = builders.JSONSchemaFormatFactory.build(strict=True)
ROME = {"name": "get_weather", "arguments": {"city": "Rome"}}
CALL = ToolCall("call_2", "get_weather", '{"city":"Rome"}')
REFUSED = "The model did not answer in the form that its tools need."


def asking(**fields: Any) -> ChatRequest:
    given: dict[str, Any] = {"model": "tools-model", "tools": (WEATHER,)} | fields
    return builders.ChatRequestFactory.build(**given)


FORCED = asking(tool_choice=ToolChoice.REQUIRED)


def calling(*calls: Any) -> str:
    return json.dumps({"tool_calls": calls})


async def answer(llm: FakeLLM, request: ChatRequest) -> ChatResult:
    return (await chat_service(llm).complete(request))[1][0]


async def streamed(llm: FakeLLM, request: ChatRequest) -> list[ChatEvent]:
    _, choices = await chat_service(llm).stream(request)
    events: list[ChatEvent] = []
    try:
        async for _, batch in choices:
            events += batch
    finally:
        await choices.aclose()
    return events


async def test_a_forced_call_comes_out_of_its_envelope_while_it_is_made() -> None:
    pieces = ['{"tool_calls": [{"name": "get_wea', 'ther", "arguments"', ': {"ci', 'ty": "Ro', "me"]
    llm = FakeLLM(*([TextDelta(piece)] for piece in pieces), [TextDelta('"}}]}'), STOP])

    assert await streamed(llm, FORCED) == [
        ToolCallDelta(0, "call_2", "get_weather", ""),
        ToolCallDelta(0, None, None, '{"ci'),
        ToolCallDelta(0, None, None, 'ty":"Ro'),
        ToolCallDelta(0, None, None, "me"),
        ToolCallDelta(0, None, None, '"}'),
        CALLED,
    ]


async def test_a_reply_comes_out_of_its_envelope_while_it_is_written() -> None:
    pieces = ['{"re', 'ply": "Hel', "lo \\u00", "e9", '!"', "}"]
    llm = FakeLLM(*([TextDelta(piece)] for piece in pieces), [STOP])

    assert await streamed(llm, asking(model="emulator")) == [
        TextDelta("Hel"),
        TextDelta("lo "),
        TextDelta("é"),
        TextDelta("!"),
        STOP,
    ]


async def test_an_envelope_may_come_in_pieces_that_came_together() -> None:
    text = calling(ROME)
    llm = FakeLLM([TextRun([text[:5], text[5:9]]), TextDelta(text[9:]), STOP])

    assert await answer(llm, FORCED) == ChatResult(
        "", FinishReason.TOOL_CALLS, USAGE, tool_calls=(CALL,)
    )


async def test_thinking_passes_through_as_it_comes() -> None:
    llm = FakeLLM([ReasoningDelta("Hm")], [TextDelta(calling(ROME)), ReasoningDelta("."), STOP])

    assert await streamed(llm, FORCED) == [
        ReasoningDelta("Hm"),
        ToolCallDelta(0, "call_2", "get_weather", '{"city":"Rome"}'),
        ReasoningDelta("."),
        CALLED,
    ]


async def test_several_calls_are_numbered() -> None:
    llm = FakeLLM([TextDelta(calling(ROME, ROME)), STOP])

    result = await answer(llm, FORCED)

    assert result == ChatResult(
        "",
        FinishReason.TOOL_CALLS,
        USAGE,
        tool_calls=(CALL, ToolCall("call_3", "get_weather", '{"city":"Rome"}')),
    )


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        pytest.param("Hello", "Hello", id="text"),
        pytest.param({"city": "Örebro"}, '{"city":"Örebro"}', id="an object"),
        pytest.param("\ud800!", "\ufffd!", id="half a surrogate pair"),
        pytest.param({"a": "👋\udc4b"}, '{"a":"👋\ufffd"}', id="half a pair inside"),
    ],
)
async def test_a_reply_comes_out_of_its_envelope(reply: Any, text: str) -> None:
    llm = FakeLLM([TextDelta(json.dumps({"reply": reply})), STOP])

    result = await answer(llm, asking(output=JSONObjectFormat()))

    assert result == ChatResult(text, FinishReason.STOP, USAGE)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Hello", id="no JSON"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("[]", id="array"),
        pytest.param('"reply"', id="text"),
        pytest.param("7", id="number"),
        pytest.param("{}", id="empty"),
        pytest.param(calling(), id="no calls"),
        pytest.param('{"tool_calls":null}', id="null"),
        pytest.param('{"tool_calls":{"name":"get_weather"}}', id="calls that are no array"),
        pytest.param(calling({"name": "get_weather"}), id="no arguments"),
        pytest.param(calling({"name": "get_weather", "arguments": "{}"}), id="text as arguments"),
        pytest.param(calling({"name": "other", "arguments": {}}), id="unknown tool"),
        pytest.param(calling({"name": ["get_weather"], "arguments": {}}), id="a list as name"),
    ],
)
async def test_what_is_no_envelope_is_asked_for_once_more(text: str) -> None:
    llm = FakeLLM([TextDelta(text), STOP])
    llm.play([TextDelta(text), STOP])
    llm.play([TextDelta(calling(ROME)), STOP])

    made = (await answer(llm, FORCED)).tool_calls
    assert [(call.name, call.arguments) for call in made] == [("get_weather", '{"city":"Rome"}')]

    with pytest.raises(InvalidOutputError) as caught:
        await answer(llm, FORCED)
    assert (caught.value.message, caught.value.code) == (REFUSED, "invalid_tool_call")
    assert len(llm.requests) == 4


async def test_a_call_that_was_cut_is_handed_over_as_far_as_it_goes() -> None:
    llm = FakeLLM([TextDelta(calling(ROME)[:-8]), CUT])

    cut = ToolCall("call_2", "get_weather", '{"city":"R')
    assert await answer(llm, FORCED) == ChatResult(
        "", FinishReason.LENGTH, USAGE, tool_calls=(cut,)
    )


async def test_an_envelope_that_was_cut_says_so() -> None:
    llm = FakeLLM([TextDelta('{"tool_calls": [{"na'), CUT])

    assert await answer(llm, FORCED) == ChatResult("", FinishReason.LENGTH, USAGE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('{"reply": "Hel', "Hel", id="words"),
        pytest.param('{"reply": "a\\n\\u00e9\\"', 'a\né"', id="escapes"),
        pytest.param('{"reply": "a\\u00e', "a", id="half an escape"),
        pytest.param('{"reply": "a\\', "a", id="the begin of an escape"),
        pytest.param('{"reply": "a\nb', "a\nb", id="a bare line break"),
        pytest.param('{"reply": "Hello"', "Hello", id="all words"),
        pytest.param(' { "reply" : {"name": "A', '{"name":"A', id="an object"),
        pytest.param('{"reply": [1, 2', "[1,2", id="numbers"),
        pytest.param('{"reply": "', "", id="no word"),
        pytest.param('{"reply"', "", id="no reply"),
    ],
)
async def test_a_reply_that_was_cut_is_handed_over_as_far_as_it_goes(text: str, said: str) -> None:
    llm = FakeLLM([TextDelta(text), CUT])

    request = asking(model="emulator")

    assert await answer(llm, request) == ChatResult(said, FinishReason.LENGTH, USAGE)


async def test_the_second_attempt_says_what_was_wrong_and_has_another_seed() -> None:
    llm = FakeLLM([TextDelta(calling(ROME)), STOP])
    llm.play([TextDelta("{}"), STOP])

    await answer(llm, asking(tool_choice=ToolChoice.REQUIRED, sampling=Sampling(seed=3)))

    first, second = llm.requests
    added = f"\n\nAn earlier answer was refused: {REFUSED} Take care to avoid that."
    assert (first.sampling.seed, second.sampling.seed) == (3, 4)
    assert second.messages == (
        Message(Role.SYSTEM, first.messages[0].text + added),
        *first.messages[1:],
    )


async def test_a_second_attempt_without_a_seed_has_none() -> None:
    llm = FakeLLM([TextDelta(calling(ROME)), STOP])
    llm.play([TextDelta("{}"), STOP])

    await answer(llm, FORCED)

    assert [request.sampling.seed for request in llm.requests] == [None, None]


BROKEN = 'The model\'s answer does not satisfy the JSON Schema: $: "city" is a required property.'


async def test_a_strict_answer_that_breaks_its_schema_is_repaired_once() -> None:
    llm = FakeLLM([TextDelta('{"city":"Rome"}'), STOP])
    llm.play([TextDelta("{}"), STOP])

    result = await answer(llm, asking(tools=(), output=FORM))

    assert result == ChatResult('{"city":"Rome"}', FinishReason.STOP, USAGE)
    assert BROKEN in llm.requests[1].messages[0].text


async def test_a_strict_answer_that_breaks_its_schema_twice_is_an_error() -> None:
    llm = FakeLLM([TextDelta("{}"), STOP])

    with pytest.raises(InvalidOutputError) as caught:
        await answer(llm, asking(tools=(), output=FORM))

    assert (caught.value.message, caught.value.code) == (BROKEN, "invalid_output")
    assert len(llm.requests) == 2


async def test_a_strict_answer_in_a_stream_ends_in_an_error_and_not_in_a_finish() -> None:
    llm = FakeLLM([TextDelta("{"), TextDelta("}")], [STOP])
    events: Sequence[ChatEvent] = []

    with pytest.raises(InvalidOutputError):
        events = await streamed(llm, asking(tools=(), output=FORM))

    assert events == []
    assert len(llm.requests) == 1


async def test_a_strict_answer_that_was_cut_is_handed_over_as_cut() -> None:
    llm = FakeLLM([TextDelta('{"ci'), CUT])

    result = await answer(llm, asking(tools=(), output=FORM))

    assert result == ChatResult('{"ci', FinishReason.LENGTH, USAGE)


@pytest.mark.parametrize(
    "output",
    [
        pytest.param(builders.JSONSchemaFormatFactory.build(), id="lenient schema"),
        pytest.param(JSONObjectFormat(), id="object"),
    ],
)
async def test_only_a_strict_schema_is_checked(output: Any) -> None:
    llm = FakeLLM([TextDelta("{}"), STOP])

    assert (await answer(llm, asking(tools=(), output=output))).content == "{}"


async def test_calls_are_not_held_against_the_schema_of_the_text() -> None:
    llm = FakeLLM([TextDelta(calling(ROME)), STOP])

    assert (await answer(llm, asking(output=FORM))).tool_calls == (CALL,)


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        pytest.param("{}", '$: "city" is a required property', id="incomplete"),
        pytest.param('{"city":1}', '$.city: 1 is not of type "string"', id="type"),
        pytest.param("{", "it is not JSON", id="no JSON"),
    ],
)
async def test_a_strict_tools_arguments_are_held_against_its_schema(
    arguments: str, fault: str
) -> None:
    llm = FakeLLM([ToolCallDelta(0, "call_9", "get_weather", arguments), CALLED])

    with pytest.raises(InvalidOutputError) as caught:
        await answer(llm, asking(tools=(STRICT,)))

    assert caught.value.message == (
        f"The model's call of 'get_weather' does not satisfy its schema: {fault}."
    )
    assert caught.value.code == "invalid_tool_call"
    assert len(llm.requests) == 2


async def test_arguments_of_a_lenient_tool_are_the_callers_to_judge() -> None:
    other = builders.ToolDefinitionFactory.build(name="other")
    llm = FakeLLM([ToolCallDelta(0, "call_9", "other", "{}"), CALLED])

    result = await answer(llm, asking(tools=(STRICT, other)))

    assert result.tool_calls == (ToolCall("call_9", "other", "{}"),)


async def test_where_one_call_is_wanted_the_rest_is_dropped() -> None:
    llm = FakeLLM(
        [ToolCallDelta(0, "call_8", "get_weather", "{}")],
        [ToolCallDelta(1, "call_9", "get_weather", "{")],
        [ToolCallDelta(1, None, None, "}"), CALLED],
    )

    events = await streamed(llm, asking(parallel_tool_calls=False))

    assert events == [ToolCallDelta(0, "call_8", "get_weather", "{}"), CALLED]


async def test_without_tools_nothing_is_dropped() -> None:
    request = asking(tools=(), parallel_tool_calls=False)

    assert (await answer(FakeLLM(), request)).content == "Hello"


async def test_a_schema_that_is_none_is_refused_before_the_model_is_asked() -> None:
    llm = FakeLLM()
    wrong = JSONSchemaFormat("x", {"type": "nothing"})

    with pytest.raises(Exception, match="not a JSON Schema") as caught:
        await answer(llm, asking(tools=(), output=wrong))

    assert getattr(caught.value, "param", None) == "response_format"
    assert llm.requests == []
