from __future__ import annotations

import json
from typing import Any

import pytest

from application.defaults import Defaults
from domain.errors import InvalidRequestError
from domain.messages import ImageLink, ImagePart, Message, Role, TextPart
from domain.tools import ToolCall
from entrypoints.http.openai.chat import wire
from entrypoints.http.openai.chat.parse import to_domain
from entrypoints.http.openai.parsing import BodyParser

PARSER = BodyParser(wire.ChatCompletionRequest)
NOTHING: dict[str, Any] = {}
GIF = "R0lGODlhAQABAAAAACw="


def message(**fields: Any) -> Message:
    body = json.dumps({"messages": [fields]}).encode()
    (only,) = to_domain(PARSER.parse(body).wire, Defaults("standard", None)).messages
    return only


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"role": "system", "content": "a"}, Message(Role.SYSTEM, "a"), id="system"),
        pytest.param(
            {"role": "developer", "content": [{"type": "text", "text": "a"}], "name": "n"},
            Message(Role.DEVELOPER, (TextPart("a"),)),
            id="developer",
        ),
        pytest.param(
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}},
                    {"type": "image_url", "image_url": {"url": f"data:image/gif;base64,{GIF}"}},
                    {"type": "image_url", "image_url": "https://a/b.png"},
                ],
            },
            Message(
                Role.USER,
                (
                    TextPart("a"),
                    ImagePart("image/gif", GIF),
                    ImageLink("https://a/b.png", "messages[0].content[2].image_url.url"),
                ),
            ),
            id="user",
        ),
        pytest.param(
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
            Message(Role.ASSISTANT, (TextPart("no"),)),
            id="refusal part",
        ),
        pytest.param(
            {"role": "assistant", "content": None, "refusal": "no"},
            Message(Role.ASSISTANT, "no"),
            id="refusal",
        ),
        pytest.param(
            {"role": "assistant", "content": "", "reasoning": "b"},
            Message(Role.ASSISTANT, "", reasoning="b"),
            id="reasoning",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "reasoning_content": "b", "reasoning": "c"},
            Message(Role.ASSISTANT, "a", reasoning="b"),
            id="reasoning by both names",
        ),
        pytest.param(
            {
                "role": "assistant",
                "content": None,
                "refusal": None,
                "annotations": [],
                "audio": None,
                "function_call": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "index": 0,
                        "function": {"name": "f", "arguments": '{"a": 1}'},
                    },
                    {
                        "id": "call_2",
                        "type": "function",
                        "function": {"name": "g", "arguments": " "},
                    },
                ],
            },
            Message(
                Role.ASSISTANT,
                tool_calls=(ToolCall("call_1", "f", '{"a": 1}'), ToolCall("call_2", "g", "{}")),
            ),
            id="calls",
        ),
        pytest.param(
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            Message(Role.ASSISTANT, tool_calls=(ToolCall("call_f", "f", "{}"),)),
            id="deprecated call",
        ),
        pytest.param(
            {"role": "tool", "content": "x", "tool_call_id": "call_1", "name": "f"},
            Message(Role.TOOL, "x", tool_call_id="call_1", tool_name="f"),
            id="tool",
        ),
        pytest.param(
            {"role": "function", "content": None, "name": "f"},
            Message(Role.TOOL, "", tool_call_id="call_f", tool_name="f"),
            id="deprecated result",
        ),
    ],
)
def test_a_message_of_every_role(given: dict[str, Any], expected: Message) -> None:
    assert message(**given) == expected


IMAGE_PART = {"type": "image_url", "image_url": "https://a/b.png"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(
            {"role": "assistant"},
            (
                "Missing required parameter: 'messages[0].content'.",
                "missing_required_parameter",
                "messages[0].content",
            ),
            id="neither content nor call",
        ),
        pytest.param(
            {"role": "system", "content": [IMAGE_PART]},
            (
                "Images are taken in user messages only.",
                "unsupported_value",
                "messages[0].content[0].type",
            ),
            id="image of the system",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "input_audio", "input_audio": NOTHING}]},
            (
                "Audio input ('input_audio') is not supported.",
                "unsupported_value",
                "messages[0].content[0].type",
            ),
            id="audio",
        ),
        pytest.param(
            {"role": "user", "content": [{"type": "file", "file": NOTHING}]},
            (
                "File input ('file') is not supported; send its text instead.",
                "unsupported_value",
                "messages[0].content[0].type",
            ),
            id="file",
        ),
        pytest.param(
            {"role": "assistant", "content": "a", "audio": {"id": "x"}},
            (
                "There is no earlier audio here ('audio'); send its transcript as content.",
                "unsupported_value",
                "messages[0].audio",
            ),
            id="earlier audio",
        ),
        pytest.param(
            {
                "role": "assistant",
                "tool_calls": [
                    {"id": "c", "type": "function", "function": {"name": "f", "arguments": "[]"}}
                ],
            },
            (
                (
                    "Invalid 'messages[0].tool_calls[0].function.arguments': "
                    "expected the text of a JSON object."
                ),
                "invalid_value",
                "messages[0].tool_calls[0].function.arguments",
            ),
            id="arguments",
        ),
        pytest.param(
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{" * 5000}},
            (
                (
                    "Invalid 'messages[0].function_call.arguments': "
                    "expected the text of a JSON object."
                ),
                "invalid_value",
                "messages[0].function_call.arguments",
            ),
            id="deep arguments",
        ),
    ],
)
def test_a_message_that_cannot_be_is_refused(
    given: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        message(**given)

    assert (caught.value.message, caught.value.code, caught.value.param) == expected
