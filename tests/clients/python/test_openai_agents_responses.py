"""OpenAI's Agents SDK as it is by default: on Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from agents import (
    Agent,
    ModelBehaviorError,
    ModelSettings,
    OpenAIConversationsSession,
    OpenAIResponsesCompactionSession,
    RunConfig,
    Runner,
    SQLiteSession,
    function_tool,
    handoff,
    responses_websocket_session,
    set_default_openai_client,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from openai.types.shared import Reasoning
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from agents import RunResultStreaming

# It would report to OpenAI.
set_tracing_disabled(disabled=True)

TWO = "get_weather and get_time, please, in Rome"


@pytest.fixture(autouse=True)
async def client() -> AsyncGenerator[AsyncOpenAI]:
    async with AsyncOpenAI(max_retries=0) as client:
        set_default_openai_client(client, use_for_tracing=False)
        yield client


@function_tool
def get_weather(city: str) -> str:
    """Return the weather of a city."""
    return f"sunny in {city}"


@function_tool
def get_time(city: str) -> str:
    """Return the time in a city."""
    return f"noon in {city}"


class City(BaseModel):
    name: str
    inhabitants: int


def agent(model: str = "scripted", **more: Any) -> Agent:
    return Agent("a", model=model, **more)


async def items(result: RunResultStreaming) -> list[str]:
    return [
        event.item.type
        async for event in result.stream_events()
        if event.type == "run_item_stream_event"
    ]


async def test_text() -> None:
    result = await Runner.run(agent(instructions="Be kind."), "Hello")

    assert result.final_output == "You said: Hello"
    usage = result.context_wrapper.usage
    assert (usage.requests, usage.input_tokens, usage.output_tokens) == (1, 3, 3)
    assert result.last_response_id is not None


async def test_two_tools() -> None:
    result = await Runner.run(agent(tools=[get_weather, get_time]), TWO)

    assert result.final_output == "The tool says: noon in Rome"
    assert result.context_wrapper.usage.requests == 2


async def test_two_tools_streamed() -> None:
    result = Runner.run_streamed(agent(tools=[get_weather, get_time]), TWO)

    assert await items(result) == [
        "tool_call_item",
        "tool_call_item",
        "tool_call_output_item",
        "tool_call_output_item",
        "message_output_item",
    ]
    assert result.final_output == "The tool says: noon in Rome"


async def test_tools_whose_calls_the_service_remembers() -> None:
    result = await Runner.run(
        agent(tools=[get_weather, get_time]), TWO, auto_previous_response_id=True
    )

    assert result.final_output == "The tool says: noon in Rome"
    # The second request brought the outputs alone; the service counts all the words.
    assert result.context_wrapper.usage.input_tokens == 6 + 6 + 3 + 3


async def test_a_tool_that_must_be_used() -> None:
    settings = ModelSettings(tool_choice="get_time", parallel_tool_calls=False)

    result = await Runner.run(
        agent(tools=[get_weather, get_time], model_settings=settings), "How is it in Rome?"
    )

    assert result.final_output == "The tool says: noon in Rome"


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_a_handoff(*, streamed: bool) -> None:
    weather = Agent("Weather", model="scripted", tools=[get_weather])
    desk = Agent("Desk", model="scripted", tools=[get_time], handoffs=[handoff(weather)])
    asked = "Please transfer_to_weather to get_weather in Rome"

    if streamed:
        result = Runner.run_streamed(desk, asked)
        assert await items(result) == [
            "handoff_call_item",
            "handoff_output_item",
            "tool_call_item",
            "tool_call_output_item",
            "message_output_item",
        ]
    else:
        result = await Runner.run(desk, asked)

    assert result.last_agent is weather
    assert result.final_output == "The tool says: sunny in Rome"


async def test_structured_output() -> None:
    result = await Runner.run(agent(output_type=City), "Of the city in Paris with 2 million.")

    assert result.final_output == City(name="Paris", inhabitants=2)


async def test_structured_output_beside_tools() -> None:
    result = await Runner.run(
        agent(tools=[get_weather], output_type=City), "How is it in Rome, with its 3 million?"
    )

    assert result.final_output == City(name="Rome", inhabitants=3)


async def test_text_deltas() -> None:
    result = Runner.run_streamed(agent(), "Hello")
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]

    assert "".join(deltas) == "You said: Hello"
    assert len(deltas) > 1


async def test_three_turns_by_id() -> None:
    first = await Runner.run(agent(), "One")
    second = await Runner.run(agent(), "Two", previous_response_id=first.last_response_id)
    third = await Runner.run(agent(), "Three", previous_response_id=second.last_response_id)

    assert third.final_output == "You said: Three"
    assert third.context_wrapper.usage.input_tokens == 1 + 3 + 1 + 3 + 1


async def test_turns_that_the_client_remembers() -> None:
    session = SQLiteSession("a")

    await Runner.run(agent(tools=[get_weather, get_time]), TWO, session=session)
    result = await Runner.run(agent(), "Thanks.", session=session)

    assert result.final_output == "You said: Thanks."
    assert result.context_wrapper.usage.input_tokens == 6 + 6 + 6 + 1


@pytest.mark.parametrize("kept", [True, False])
async def test_thoughts_are_thought_on(*, kept: bool) -> None:
    settings = ModelSettings(
        store=kept,
        reasoning=Reasoning(effort="low", summary="auto"),
        response_include=[] if kept else ["reasoning.encrypted_content"],
    )

    result = await Runner.run(
        agent("thinker", tools=[get_weather], model_settings=settings), "How is it in Rome?"
    )

    assert result.final_output == "The tool says: sunny in Rome"
    kinds = [item.type for item in result.new_items]
    assert kinds.count("reasoning_item") == 2
    assert result.context_wrapper.usage.output_tokens_details.reasoning_tokens == 2


async def test_turns_of_a_conversation_that_the_service_keeps(client: AsyncOpenAI) -> None:
    session = OpenAIConversationsSession(openai_client=client)

    await Runner.run(agent(tools=[get_weather, get_time]), TWO, session=session)
    result = await Runner.run(agent(), "Thanks.", session=session)

    assert result.context_wrapper.usage.input_tokens == 6 + 6 + 6 + 1
    assert len(await session.get_items()) == 1 + 2 + 2 + 1 + 1 + 1
    await session.clear_session()


async def test_turns_in_a_conversation(client: AsyncOpenAI) -> None:
    conversation = await client.conversations.create()

    await Runner.run(agent(tools=[get_weather, get_time]), TWO, conversation_id=conversation.id)
    result = await Runner.run(agent(), "Thanks.", conversation_id=conversation.id)

    assert result.context_wrapper.usage.input_tokens == 6 + 6 + 6 + 1


@pytest.mark.parametrize("mode", ["previous_response_id", "input"])
async def test_turns_that_are_made_short(client: AsyncOpenAI, mode: Any) -> None:
    session = OpenAIResponsesCompactionSession(
        "a",
        SQLiteSession("a"),
        client=client,
        model="gpt-4.1",  # it knows names of OpenAI's only; this one is an alias
        compaction_mode=mode,
        should_trigger_compaction=lambda _: True,
    )

    await Runner.run(agent(), "One", session=session)
    kinds = [item.get("type") for item in await session.get_items()]
    result = await Runner.run(agent(), "Two", session=session)

    assert kinds == ["compaction"]
    assert result.final_output == "You said: Two"


async def test_two_tools_over_a_websocket() -> None:
    async with responses_websocket_session() as session:
        result = session.run_streamed(agent(tools=[get_weather, get_time]), TWO)
        kinds = await items(result)
        follow = {"previous_response_id": result.last_response_id}
        second = await session.run(agent(), "Thanks.", **follow)

    assert kinds.count("tool_call_output_item") == 2
    assert result.final_output == "The tool says: noon in Rome"
    assert second.final_output == "You said: Thanks."
    assert second.context_wrapper.usage.input_tokens == 6 + 6 + 6 + 1


async def test_a_websocket_of_which_nothing_is_kept() -> None:
    async with responses_websocket_session() as session:
        result = await session.run(
            agent(tools=[get_weather, get_time], model_settings=ModelSettings(store=False)),
            TWO,
            auto_previous_response_id=True,
        )

    assert result.final_output == "The tool says: noon in Rome"


async def test_a_run_that_keeps_nothing() -> None:
    settings = ModelSettings(store=False)

    result = await Runner.run(
        agent(tools=[get_weather, get_time]), TWO, run_config=RunConfig(model_settings=settings)
    )

    assert result.final_output == "The tool says: noon in Rome"


async def test_a_failure_is_raised() -> None:
    with pytest.raises(openai.RateLimitError):
        await Runner.run(agent(), "Fail: busy")


async def test_a_failure_inside_a_stream_is_raised() -> None:
    result = Runner.run_streamed(agent(), "Fail: midway")

    with pytest.raises(ModelBehaviorError, match="broke off"):
        await items(result)
