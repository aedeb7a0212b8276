from __future__ import annotations

from typing import Any

import msgspec
import pytest

from domain.conversation import Failure, ResponseStatus, StoredResponse
from domain.items import (
    AnswerText,
    CompactionItem,
    CustomCallItem,
    CustomOutputItem,
    FunctionCallItem,
    FunctionOutputItem,
    ImageInput,
    Item,
    ItemStatus,
    MessageItem,
    ReasoningItem,
    Refusal,
)
from domain.messages import ImageLink, ImagePart, Role, TextPart
from entrypoints.http.openai.responses import render
from entrypoints.http.openai.responses.opaque import Sealed, seal

DONE = {"status": "completed"}
PICTURE = ImageInput(ImagePart("image/gif", "R0lG"), "low")
LINK = ImageInput(ImageLink("https://images.test/a.png", "input"))

CASES: dict[str, tuple[Item, dict[str, Any]]] = {
    "what a user says": (
        MessageItem("msg_1", Role.USER, (TextPart("Hi"), PICTURE, LINK)),
        {
            "type": "message",
            "id": "msg_1",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Hi"},
                {
                    "type": "input_image",
                    "image_url": "data:image/gif;base64,R0lG",
                    "detail": "low",
                    "file_id": None,
                },
                {
                    "type": "input_image",
                    "image_url": "https://images.test/a.png",
                    "detail": "auto",
                    "file_id": None,
                },
            ],
        }
        | DONE,
    ),
    "what an assistant says": (
        MessageItem(
            "msg_1",
            Role.ASSISTANT,
            (AnswerText("Hi"), Refusal("No.")),
            ItemStatus.INCOMPLETE,
            "commentary",
        ),
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "incomplete",
            "phase": "commentary",
            "content": [
                {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []},
                {"type": "refusal", "refusal": "No."},
            ],
        },
    ),
    "a call": (
        FunctionCallItem("fc_1", "c", "f", "{}"),
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}
        | DONE,
    ),
    "an output": (
        FunctionOutputItem("fco_1", "c", "x"),
        {"type": "function_call_output", "id": "fco_1", "call_id": "c", "output": "x"} | DONE,
    ),
    "an output of parts": (
        FunctionOutputItem("fco_1", "c", (TextPart("x"),)),
        {
            "type": "function_call_output",
            "id": "fco_1",
            "call_id": "c",
            "output": [{"type": "input_text", "text": "x"}],
        }
        | DONE,
    ),
    "a custom call": (
        CustomCallItem("ctc_1", "c", "sh", "ls", '{"input":"ls"}'),
        {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c", "name": "sh", "input": "ls"}
        | DONE,
    ),
    "a custom output": (
        CustomOutputItem("ctco_1", "c", "x"),
        {"type": "custom_tool_call_output", "id": "ctco_1", "call_id": "c", "output": "x"} | DONE,
    ),
    "thoughts": (
        ReasoningItem("rs_1", ("Short.",), ("Long.",)),
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Short."}],
            "content": [{"type": "reasoning_text", "text": "Long."}],
        }
        | DONE,
    ),
    "a compaction": (
        CompactionItem("cmp_1", "They met."),
        {
            "type": "compaction",
            "id": "cmp_1",
            "encrypted_content": seal(Sealed.SUMMARY, "They met."),
        },
    ),
}


@pytest.mark.parametrize(
    ("given", "expected"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_items_are_shown(given: Item, expected: dict[str, Any]) -> None:
    assert msgspec.to_builtins(render.item(given)) == expected


def test_what_failed_says_why() -> None:
    failed = StoredResponse(
        "resp_1",
        7,
        "m",
        ResponseStatus.FAILED,
        b'{"store":true}',
        conversation_id="conv_1",
        failure=Failure("server_error", "It broke."),
    )

    shown = msgspec.json.decode(render.response(failed))

    assert shown["error"] == {
        "code": "server_error",
        "message": "It broke.",
        "type": "server_error",
    }
    assert shown["conversation"] == {"id": "conv_1"}
    assert shown["store"] is True


def test_the_simple_shape_is_the_text_of_all_messages() -> None:
    said = [MessageItem("m", Role.ASSISTANT, (AnswerText(text), Refusal("x"))) for text in "ab"]
    items: tuple[Item, ...] = (ReasoningItem("rs_1", ("Hm",)), *said)
    stored = StoredResponse("resp_1", 7, "m", ResponseStatus.COMPLETED, output=items)

    assert render.simple(stored) == b'{"model":"m","output":{"role":"assistant","content":"ab"}}'
