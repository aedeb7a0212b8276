"""pydantic-ai on Chat Completions."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ThinkingPart
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings


class City(BaseModel):
    name: str
    inhabitants: int


class Joke(BaseModel):
    setup: str
    punchline: str


PARIS = City(name="Paris", inhabitants=2)
ASK = "Tell me of the one city in Paris with 2 million inhabitants."


async def test_text() -> None:
    result = await Agent(OpenAIChatModel("scripted")).run("Hello")

    assert result.output == "You said: Hello"
    usage = result.usage
    assert (usage.input_tokens, usage.output_tokens, usage.requests) == (1, 3, 1)


async def test_streamed_text() -> None:
    async with Agent(OpenAIChatModel("scripted")).run_stream("Hello") as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]

    assert "".join(pieces) == "You said: Hello"
    assert len(pieces) > 1
    assert result.usage.output_tokens == 3


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_tools(*, streamed: bool) -> None:
    agent = Agent(OpenAIChatModel("scripted"), instructions="Use your tools.")
    cities: list[str] = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Return the weather of a city."""
        cities.append(city)
        return f"sunny in {city}"

    if streamed:
        async with agent.run_stream("How is it in Rome?") as result:
            output = await result.get_output()
    else:
        output = (await agent.run("How is it in Rome?")).output

    assert (output, cities) == ("The tool says: sunny in Rome", ["Rome"])


@pytest.mark.parametrize("form", [ToolOutput(City), NativeOutput(City)], ids=["tool", "native"])
async def test_structured_output(form: ToolOutput[City] | NativeOutput[City]) -> None:
    agent = Agent(OpenAIChatModel("scripted"), output_type=form)

    assert (await agent.run(ASK)).output == PARIS


async def test_structured_output_that_is_asked_for_in_words() -> None:
    agent = Agent(OpenAIChatModel("scripted"), output_type=PromptedOutput(Joke))

    result = await agent.run("Make up the 'setup' and the 'punchline'.")

    assert result.output == Joke(setup="Something.", punchline="Something.")


async def test_streamed_structured_output() -> None:
    agent = Agent(OpenAIChatModel("scripted"), output_type=NativeOutput(City))

    async with agent.run_stream(ASK) as result:
        outputs = [output async for output in result.stream_output(debounce_by=None)]

    assert outputs[-1] == PARIS


async def test_thinking() -> None:
    settings = OpenAIChatModelSettings(openai_reasoning_effort="low")
    agent = Agent(OpenAIChatModel("thinker"), model_settings=settings)

    first = await agent.run("Hello")
    second = await agent.run("And now?", message_history=first.all_messages())

    thoughts = [
        p.content for m in first.new_messages() for p in m.parts if isinstance(p, ThinkingPart)
    ]
    assert thoughts == ["Let me think."]
    assert second.output == "You said: And now?"


async def test_images() -> None:
    gif = BinaryContent(b"GIF89a\x01\x00\x01\x00\x00\x00\x00,", media_type="image/gif")

    result = await Agent(OpenAIChatModel("scripted")).run(["What is this?", gif])

    assert result.output == "You said: What is this? I see an image."


async def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelHTTPError) as caught:
        await Agent(OpenAIChatModel("nonesuch")).run("Hello")

    assert caught.value.status_code == 404
