"""pydantic-ai on Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import CompactionPart, ThinkingPart
from pydantic_ai.models.openai import (
    OpenAICompaction,
    OpenAIResponsesModel,
    OpenAIResponsesModelSettings,
)

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage


class City(BaseModel):
    name: str
    inhabitants: int


class Joke(BaseModel):
    setup: str
    punchline: str


PARIS = City(name="Paris", inhabitants=2)
ASK = "Tell me of the one city in Paris with 2 million inhabitants."
TWO = "get_weather and get_time, please, in Rome"
SCRIPTED = OpenAIResponsesModel("scripted")


def with_tools(**settings: Any) -> Agent:
    agent = Agent(SCRIPTED, model_settings=OpenAIResponsesModelSettings(**settings))

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Return the weather of a city."""
        return f"sunny in {city}"

    @agent.tool_plain
    def get_time(city: str) -> str:
        """Return the time in a city."""
        return f"noon in {city}"

    return agent


def thoughts(messages: list[ModelMessage]) -> list[str]:
    return [p.content for m in messages for p in m.parts if isinstance(p, ThinkingPart)]


async def test_text() -> None:
    result = await Agent(SCRIPTED, instructions="Be kind.").run("Hello")

    assert result.output == "You said: Hello"
    usage = result.usage
    assert (usage.input_tokens, usage.output_tokens, usage.requests) == (3, 3, 1)


async def test_streamed_text() -> None:
    async with Agent(SCRIPTED).run_stream("Hello") as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]

    assert "".join(pieces) == "You said: Hello"
    assert len(pieces) > 1
    assert result.usage.output_tokens == 3


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"openai_previous_response_id": "auto"},
        {"openai_store": False},
        {"openai_transport": "websocket"},
        {"openai_transport": "websocket", "openai_store": False},
    ],
    ids=["replayed", "by id", "not kept", "socket", "socket, not kept"],
)
async def test_two_tools(settings: dict[str, Any], *, streamed: bool) -> None:
    agent = with_tools(**settings)

    if streamed:
        async with agent.run_stream(TWO) as result:
            output = await result.get_output()
    else:
        result = await agent.run(TWO)
        output = result.output

    assert output == "The tool says: noon in Rome"
    assert result.usage.input_tokens == 6 + 6 + 3 + 3
    assert result.usage.tool_calls == 2


async def test_a_conversation_that_the_service_remembers() -> None:
    settings = OpenAIResponsesModelSettings(openai_previous_response_id="auto")
    agent = Agent(SCRIPTED, model_settings=settings)

    first = await agent.run("One")
    second = await agent.run("Two", message_history=first.all_messages())
    third = await agent.run("Three", message_history=second.all_messages())

    assert third.output == "You said: Three"
    assert third.usage.input_tokens == 1 + 3 + 1 + 3 + 1


async def test_turns_in_a_conversation() -> None:
    async with AsyncOpenAI() as client:
        conversation = await client.conversations.create()
    agent = with_tools(openai_conversation_id=conversation.id)

    first = await agent.run(TWO)
    second = await agent.run("Thanks, 'get_time' again.", message_history=first.all_messages())

    assert first.output == "The tool says: noon in Rome"
    assert second.usage.input_tokens == (6 + 6 + 6 + 3) + (6 + 6 + 6 + 3 + 3)


async def test_a_run_in_the_background() -> None:
    result = await with_tools(openai_background=True).run(TWO)

    assert result.output == "The tool says: noon in Rome"


async def test_a_context_that_is_made_short() -> None:
    agent = Agent(SCRIPTED, capabilities=[OpenAICompaction(message_count_threshold=2)])

    first = await agent.run("One")
    second = await agent.run("Two", message_history=first.all_messages())

    assert any(isinstance(p, CompactionPart) for m in second.all_messages() for p in m.parts)
    assert second.output == "You said: Two"


@pytest.mark.parametrize("form", [ToolOutput(City), NativeOutput(City)], ids=["tool", "native"])
async def test_structured_output(form: ToolOutput[City] | NativeOutput[City]) -> None:
    agent = Agent(SCRIPTED, output_type=form)

    assert (await agent.run(ASK)).output == PARIS


async def test_structured_output_that_is_asked_for_in_words() -> None:
    agent = Agent(SCRIPTED, output_type=PromptedOutput(Joke))

    result = await agent.run("Make up the 'setup' and the 'punchline'.")

    assert result.output == Joke(setup="Something.", punchline="Something.")


@pytest.mark.parametrize("form", [ToolOutput(City), NativeOutput(City)], ids=["tool", "native"])
async def test_streamed_structured_output(form: ToolOutput[City] | NativeOutput[City]) -> None:
    agent = Agent(SCRIPTED, output_type=form)

    async with agent.run_stream(ASK) as result:
        outputs = [output async for output in result.stream_output(debounce_by=None)]

    assert outputs[-1] == PARIS


@pytest.mark.parametrize("kept", [True, False])
async def test_thinking(*, kept: bool) -> None:
    settings = OpenAIResponsesModelSettings(
        openai_reasoning_effort="low",
        openai_reasoning_summary="auto",
        openai_send_reasoning_ids=True,
        openai_store=kept,
    )
    agent = Agent(OpenAIResponsesModel("thinker"), model_settings=settings)

    first = await agent.run("Hello")
    second = await agent.run("And now?", message_history=first.all_messages())
    async with agent.run_stream("Hello") as streamed:
        await streamed.get_output()

    assert thoughts(first.new_messages()) == ["Let me think."]
    assert thoughts(streamed.new_messages()) == ["Let me think."]
    assert second.output == "You said: And now?"


async def test_images() -> None:
    gif = BinaryContent(b"GIF89a\x01\x00\x01\x00\x00\x00\x00,", media_type="image/gif")

    result = await Agent(SCRIPTED).run(["What is this?", gif])

    assert result.output == "You said: What is this? I see an image."


async def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelHTTPError) as caught:
        await Agent(OpenAIResponsesModel("nonesuch")).run("Hello")

    assert caught.value.status_code == 404


async def test_a_failure_inside_a_stream_is_raised() -> None:
    with pytest.raises(ModelHTTPError, match="broke off"):
        async with Agent(SCRIPTED).run_stream("Fail: midway") as result:
            await result.get_output()
