"""LangChain's ``ChatOpenAI`` on Responses, beyond its standard tests in ``test_langchain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langchain_openai.tools import custom_tool

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

GIF = "R0lGODlhAQABAAAAACw="
TWO = "get_weather and get_time, please, in Rome"


def responses(model: str = "scripted", **more: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, use_responses_api=True, max_retries=0, **more)


@tool
def get_weather(city: str) -> str:
    """Return the weather of a city."""
    return f"sunny in {city}"


@tool
def get_time(city: str) -> str:
    """Return the time in a city."""
    return f"noon in {city}"


@custom_tool
def shell(command: str) -> str:
    """Run a command."""
    return f"{command}: fine"


TOOLS = {each.name: each for each in (get_weather, get_time, shell)}


def returned(answer: AIMessage) -> list[ToolMessage]:
    return [TOOLS[call["name"]].invoke(call) for call in answer.tool_calls]


def whole(chat: Any, messages: list[BaseMessage]) -> AIMessage:
    chunks = iter(chat.stream(messages))
    answer = next(chunks)
    for chunk in chunks:
        answer += chunk
    return answer


@pytest.mark.parametrize("ask", [lambda chat, said: chat.invoke(said), whole], ids=["", "streamed"])
@pytest.mark.parametrize("follow", [False, True], ids=["replayed", "by id"])
def test_two_tools_go_round(ask: Any, *, follow: bool) -> None:
    chat = responses(use_previous_response_id=follow).bind_tools([get_weather, get_time])
    said: list[BaseMessage] = [HumanMessage(TWO)]

    first = ask(chat, said)
    said += [first, *returned(first)]
    second = ask(chat, said)

    assert [call["name"] for call in first.tool_calls] == ["get_weather", "get_time"]
    assert second.text == "The tool says: noon in Rome"
    assert second.usage_metadata is not None
    assert second.usage_metadata["input_tokens"] == 6 + 3 + 3


def test_a_custom_tool_goes_round() -> None:
    chat = responses().bind_tools([shell])
    said: list[BaseMessage] = [HumanMessage("Run 'ls'")]

    first = chat.invoke(said)
    said += [first, *returned(first)]

    assert chat.invoke(said).text == "The tool says: ls: fine"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{GIF}"}},
        {"type": "image", "base64": GIF, "mime_type": "image/gif"},
    ],
    ids=["openai", "langchain"],
)
def test_images_of_both_forms(part: dict[str, Any]) -> None:
    message = HumanMessage([{"type": "text", "text": "What is this?"}, part])

    assert responses().invoke([message]).text == "You said: What is this? I see an image."


def test_a_tool_returns_an_image() -> None:
    said: list[BaseMessage] = [HumanMessage("How is it in Rome?")]
    first = responses().bind_tools([get_weather]).invoke(said)
    image = {"type": "image", "base64": GIF, "mime_type": "image/gif"}
    said += [first, ToolMessage([image], tool_call_id=first.tool_calls[0]["id"])]

    assert responses().invoke(said).text == "The tool says: I see an image."


@pytest.mark.parametrize("version", ["responses/v1", "v1"])
@pytest.mark.parametrize("kept", [True, False])
def test_thoughts_are_shown_and_thought_on(version: str, *, kept: bool) -> None:
    more = {} if kept else {"store": False, "include": ["reasoning.encrypted_content"]}
    reasoning = {"effort": "low", "summary": "auto"}
    chat = responses("thinker", reasoning=reasoning, output_version=version, **more)

    first = chat.invoke("Hello")
    second = chat.invoke([HumanMessage("Hello"), first, HumanMessage("And now?")])
    streamed = whole(chat, [HumanMessage("Hello")])

    for answer in (first, streamed):
        (thought,) = [block for block in answer.content_blocks if block["type"] == "reasoning"]
        assert thought["reasoning"] == "Let me think."
    assert second.text == "You said: And now?"


def test_a_failure_inside_a_stream_is_raised() -> None:
    with pytest.raises(ValueError, match="broke off"):
        list(responses().stream("Fail: midway"))


def test_a_failure_before_a_stream_is_raised() -> None:
    with pytest.raises(openai.RateLimitError):
        list(responses().stream("Fail: busy"))
