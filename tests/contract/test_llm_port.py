"""What every implementation of ``LLMPort`` keeps to while all is well."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from domain.chat import ChatRequest, ChatResult, FinishReason, TokenLogprob, TopLogprob, Usage
from domain.errors import NotFoundError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.models import Capability
from tests.support import builders
from tests.support.streams import LIMIT_S, answer, apart, flat, fold, outcome

if TYPE_CHECKING:
    from tests.contract.conftest import Scenario, Scripted

HEL, LO, DONE = TextDelta("Hel"), TextDelta("lö 👋"), Finished(FinishReason.STOP, Usage(7, 2))
CALL = ToolCallDelta(0, "call_1", "get_weather", '{"city":"Rome"}')
SECOND_CALL = ToolCallDelta(1, "call_2", "get_time", "{}")


def ask(driver: Scenario) -> ChatRequest:
    return builders.ChatRequestFactory.build(model=driver.model)


async def test_an_answer_has_text_and_a_count_of_tokens(scenario: Scenario) -> None:
    result = fold(await answer(scenario.llm, ask(scenario)))

    assert result.content
    assert result.usage.prompt_tokens > 0
    assert result.usage.completion_tokens > 0


async def test_no_batch_is_empty(scenario: Scenario) -> None:
    batches = await answer(scenario.llm, ask(scenario))

    assert all(batches)


async def test_finished_comes_once_and_last(scenario: Scenario) -> None:
    events = flat(await answer(scenario.llm, ask(scenario)))

    assert [isinstance(event, Finished) for event in events] == [False] * (len(events) - 1) + [True]


async def test_an_ended_stream_stays_ended(scenario: Scenario) -> None:
    stream = await scenario.llm.stream(ask(scenario))
    async with asyncio.timeout(LIMIT_S):
        batches = [batch async for batch in stream]
        again = [batch async for batch in stream]
    await stream.aclose()

    assert batches
    assert again == []


async def test_an_unknown_model_is_not_found(scenario: Scenario) -> None:
    request = replace(ask(scenario), model="no-such-model")

    error = await outcome(scenario.llm, request)

    assert isinstance(error, NotFoundError)
    assert error.code == "model_not_found"


async def test_an_unknown_model_is_not_shown(scenario: Scenario) -> None:
    with pytest.raises(NotFoundError) as caught:
        await scenario.llm.show_model("no-such-model")

    assert caught.value.code == "model_not_found"


async def test_a_listed_model_can_be_shown_and_asked(scenario: Scenario) -> None:
    names = [model.name for model in await scenario.llm.list_models()]
    details = await scenario.llm.show_model(scenario.model)

    assert scenario.model in names
    assert details.name == scenario.model
    assert not details.lacks(Capability.COMPLETION)


async def test_models_are_listed_newest_first(scenario: Scenario) -> None:
    ages = [model.created for model in await scenario.llm.list_models()]

    assert ages == sorted(ages, reverse=True)


async def test_a_server_in_order_passes_the_check(scenario: Scenario) -> None:
    await scenario.llm.check()


@pytest.mark.parametrize("steps", [0, 1, 99], ids=["unread", "begun", "ended"])
async def test_closing_twice_is_closing_once(scenario: Scenario, steps: int) -> None:
    stream = await scenario.llm.stream(ask(scenario))
    async with asyncio.timeout(LIMIT_S):
        for _ in range(steps):
            await anext(stream, None)

        await stream.aclose()
        await stream.aclose()

        await scenario.freed()


async def test_two_answers_at_once_do_not_mix(scenario: Scenario) -> None:
    request = replace(ask(scenario), sampling=builders.SamplingFactory.build(temperature=0, seed=1))

    one, two = await asyncio.gather(answer(scenario.llm, request), answer(scenario.llm, request))

    assert fold(one).content == fold(two).content


@pytest.mark.parametrize(
    "batches",
    [
        pytest.param([[HEL, LO, DONE]], id="one read"),
        pytest.param([[HEL], [LO], [DONE]], id="three reads"),
        pytest.param([[HEL], [LO, DONE]], id="end with text"),
    ],
)
async def test_whole_and_streamed_answers_agree(
    scripted: Scripted, batches: list[list[ChatEvent]]
) -> None:
    scripted.answers(*batches)

    result = fold(await answer(scripted.llm, ask(scripted)))

    assert result == ChatResult("Hellö 👋", FinishReason.STOP, Usage(7, 2))


async def test_a_batch_is_one_read(scripted: Scripted) -> None:
    scripted.answers([HEL], [LO, TextDelta("!")], [DONE])

    batches = await answer(scripted.llm, ask(scripted))

    assert [apart(batch) for batch in batches] == [[HEL], [LO, TextDelta("!")], [DONE]]


async def test_thinking_is_kept_apart_from_text(scripted: Scripted) -> None:
    scripted.answers([ReasoningDelta("H")], [ReasoningDelta("m.")], [HEL], [DONE])

    result = fold(await answer(scripted.llm, replace(ask(scripted), model="thinker")))

    assert (result.reasoning, result.content) == ("Hm.", "Hel")
    assert result.finish_reason is FinishReason.STOP


async def test_tool_calls_come_whole_and_in_order(scripted: Scripted) -> None:
    tools = (
        builders.ToolDefinitionFactory.build(),
        builders.ToolDefinitionFactory.build(name="get_time"),
    )
    request = replace(ask(scripted), model="tools-model", tools=tools)
    end = Finished(FinishReason.TOOL_CALLS, Usage(7, 2))
    scripted.answers([HEL], [CALL], [SECOND_CALL, end])

    batches = await answer(scripted.llm, request)

    deltas = [event for event in flat(batches) if isinstance(event, ToolCallDelta)]
    calls = fold(batches).tool_calls
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("get_weather", {"city": "Rome"}),
        ("get_time", {}),
    ]
    assert len({call.id for call in calls} - {""}) == 2
    assert sorted({delta.index for delta in deltas}) == [0, 1]
    assert fold(batches).content == "Hel"
    assert fold(batches).finish_reason is FinishReason.TOOL_CALLS


async def test_an_answer_cut_by_the_token_limit_is_told_apart(scripted: Scripted) -> None:
    scripted.answers([HEL, Finished(FinishReason.LENGTH, Usage(7, 1))])

    result = fold(await answer(scripted.llm, ask(scripted)))

    assert result == ChatResult("Hel", FinishReason.LENGTH, Usage(7, 1))


async def test_a_call_cut_by_the_token_limit_is_told_as_cut(scripted: Scripted) -> None:
    scripted.answers([CALL], [Finished(FinishReason.LENGTH, Usage(7, 2))])

    result = fold(await answer(scripted.llm, replace(ask(scripted), model="tools-model")))

    assert result.finish_reason is FinishReason.LENGTH


async def test_log_probabilities_come_with_their_text(scripted: Scripted) -> None:
    hel = TokenLogprob("Hel", -0.25, b"Hel", (TopLogprob("Hel", -0.25, b"Hel"),))
    half = TokenLogprob("\ufffd", -0.5, b"\xf0\x9f")
    nothing = TokenLogprob("", -1.5, None)
    batches: list[list[ChatEvent]] = [
        [TextDelta("Hel", (hel,))],
        [TextDelta("", (half, nothing)), DONE],
    ]
    scripted.answers(*batches)

    got = await answer(scripted.llm, replace(ask(scripted), top_logprobs=1))

    assert flat(got) == flat(batches)


async def test_usage_may_be_zero(scripted: Scripted) -> None:
    scripted.answers([HEL], [Finished(FinishReason.STOP, Usage())])

    result = fold(await answer(scripted.llm, ask(scripted)))

    assert result.usage == Usage()
