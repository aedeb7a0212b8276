"""OpenAI's Agents SDK in its chat-completions mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest
from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    handoff,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

# It would report to OpenAI.
set_tracing_disabled(disabled=True)


@pytest.fixture
async def model() -> AsyncGenerator[OpenAIChatCompletionsModel]:
    async with AsyncOpenAI(max_retries=0) as client:
        yield OpenAIChatCompletionsModel("scripted", client)


@function_tool
def get_weather(city: str) -> str:
    """Return the weather of a city."""
    return f"sunny in {city}"


class City(BaseModel):
    name: str
    inhabitants: int


async def test_text(model: OpenAIChatCompletionsModel) -> None:
    result = await Runner.run(Agent("a", model=model, instructions="Be kind."), "Hello")

    assert result.final_output == "You said: Hello"
    usage = result.context_wrapper.usage
    assert (usage.requests, usage.output_tokens) == (1, 3)


async def test_tools(model: OpenAIChatCompletionsModel) -> None:
    agent = Agent("a", model=model, tools=[get_weather])

    result = await Runner.run(agent, "How is it in Rome?")

    assert result.final_output == "The tool says: sunny in Rome"


async def test_a_tool_that_must_be_used(model: OpenAIChatCompletionsModel) -> None:
    settings = ModelSettings(tool_choice="get_weather", parallel_tool_calls=False)
    agent = Agent("a", model=model, tools=[get_weather], model_settings=settings)

    result = await Runner.run(agent, "How is it in Rome?")

    assert result.final_output == "The tool says: sunny in Rome"


async def test_a_handoff(model: OpenAIChatCompletionsModel) -> None:
    weather = Agent("Weather", model=model, tools=[get_weather], handoff_description="Weather.")
    desk = Agent("Desk", model=model, handoffs=[handoff(weather)])

    result = await Runner.run(desk, "Hello, transfer_to_weather, please.")

    assert result.last_agent is weather
    assert result.final_output.startswith("The tool says:")


async def test_structured_output(model: OpenAIChatCompletionsModel) -> None:
    agent = Agent("a", model=model, output_type=City)

    result = await Runner.run(agent, "Tell of the city in Paris with 2 million inhabitants.")

    assert result.final_output == City(name="Paris", inhabitants=2)


async def test_structured_output_beside_tools(model: OpenAIChatCompletionsModel) -> None:
    agent = Agent("a", model=model, tools=[get_weather], output_type=City)

    result = await Runner.run(agent, "How is it in Rome, with its 3 million?")

    assert result.final_output == City(name="Rome", inhabitants=3)


async def test_a_stream_with_tools(model: OpenAIChatCompletionsModel) -> None:
    agent = Agent("a", model=model, tools=[get_weather])

    result = Runner.run_streamed(agent, "How is it in Rome?")
    kinds = [
        event.item.type
        async for event in result.stream_events()
        if event.type == "run_item_stream_event"
    ]

    assert kinds == ["tool_call_item", "tool_call_output_item", "message_output_item"]
    assert result.final_output == "The tool says: sunny in Rome"


async def test_text_deltas(model: OpenAIChatCompletionsModel) -> None:
    result = Runner.run_streamed(Agent("a", model=model), "Hello")
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]

    assert "".join(deltas) == "You said: Hello"
    assert len(deltas) > 1


async def test_a_failure_inside_a_stream_is_raised(model: OpenAIChatCompletionsModel) -> None:
    result = Runner.run_streamed(Agent("a", model=model), "Fail: midway")

    with pytest.raises(openai.APIError, match="broke off"):
        [event async for event in result.stream_events()]
