from __future__ import annotations

import pytest

from application.itemise import Itemiser, replay
from application.response_events import (
    InputAdded,
    ItemAdded,
    ItemDone,
    ItemEvent,
    TextAdded,
    ThoughtAdded,
)
from domain.chat import ChatResult, FinishReason, TokenLogprob, Usage
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta
from domain.items import (
    AnswerText,
    CustomCallItem,
    FunctionCallItem,
    ItemStatus,
    MessageItem,
    ReasoningItem,
)
from domain.messages import Role
from domain.tools import ToolCall
from tests.support.fake_system import CountingIds

STOP = Finished(FinishReason.STOP, Usage())
CUT = Finished(FinishReason.LENGTH, Usage())
BEGUN, DONE, INCOMPLETE = ItemStatus.IN_PROGRESS, ItemStatus.COMPLETED, ItemStatus.INCOMPLETE
LOGPROBS = (TokenLogprob("Hi", -0.5, b"Hi"),)


def message(id_: str, text: str | None, status: ItemStatus = DONE) -> MessageItem:
    parts = () if text is None else (AnswerText(text),)
    return MessageItem(id_, Role.ASSISTANT, parts, status)


def itemised(*events: ChatEvent) -> tuple[Itemiser, list[ItemEvent]]:
    items = Itemiser(CountingIds().new, custom={"sh"})
    return items, [event for one in events for event in items.feed([one])]


def test_text_is_a_message() -> None:
    items, events = itemised(TextDelta("Hel"), TextDelta("lo"), STOP)

    assert events == [
        ItemAdded(0, message("msg_1", None, BEGUN)),
        TextAdded(0, ("Hel",)),
        TextAdded(0, ("lo",)),
        ItemDone(0, message("msg_1", "Hello")),
    ]
    assert items.items == (message("msg_1", "Hello"),)


def test_log_probabilities_stay_with_their_text() -> None:
    items, events = itemised(TextDelta("Hi", LOGPROBS), TextDelta("", LOGPROBS), STOP)

    assert events[1:3] == [TextAdded(0, ("Hi",), LOGPROBS), TextAdded(0, ("",), LOGPROBS)]
    whole = MessageItem("msg_1", Role.ASSISTANT, (AnswerText("Hi", LOGPROBS + LOGPROBS),))
    assert items.items == (whole,)


def test_thinking_comes_before_the_message_it_leads_to() -> None:
    _, events = itemised(ReasoningDelta("H"), ReasoningDelta("m"), TextDelta("Hi"), STOP)

    assert events == [
        ItemAdded(0, ReasoningItem("rs_1", (), status=BEGUN)),
        ThoughtAdded(0, "H"),
        ThoughtAdded(0, "m"),
        ItemDone(0, ReasoningItem("rs_1", ("Hm",))),
        ItemAdded(1, message("msg_2", None, BEGUN)),
        TextAdded(1, ("Hi",)),
        ItemDone(1, message("msg_2", "Hi")),
    ]


def test_calls_are_items_one_after_another() -> None:
    _, events = itemised(
        TextDelta("Hi"),
        ToolCallDelta(0, "call_1", "f", '{"a"'),
        ToolCallDelta(0, None, None, ":1}"),
        ToolCallDelta(1, "call_2", "g", ""),
        Finished(FinishReason.TOOL_CALLS, Usage()),
    )

    assert events[2:] == [
        ItemDone(0, message("msg_1", "Hi")),
        ItemAdded(1, FunctionCallItem("fc_2", "call_1", "f", "", BEGUN)),
        InputAdded(1, '{"a"'),
        InputAdded(1, ":1}"),
        ItemDone(1, FunctionCallItem("fc_2", "call_1", "f", '{"a":1}')),
        ItemAdded(2, FunctionCallItem("fc_3", "call_2", "g", "", BEGUN)),
        # A call has at least one piece of arguments, even where the model wrote none.
        InputAdded(2, "{}"),
        ItemDone(2, FunctionCallItem("fc_3", "call_2", "g", "{}")),
    ]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param('{"input":"ls -l"}', "ls -l", id="the text inside"),
        pytest.param('{"input":5}', '{"input":5}', id="no text inside"),
        pytest.param('{"command":"ls"}', '{"command":"ls"}', id="another name"),
        pytest.param("[1]", "[1]", id="no object"),
        pytest.param('{"input":', '{"input":', id="cut"),
        pytest.param("", "{}", id="nothing"),
    ],
)
def test_the_input_of_a_custom_tool_is_taken_out_of_its_arguments(
    arguments: str, text: str
) -> None:
    _, events = itemised(ToolCallDelta(0, "call_1", "sh", arguments), STOP)

    whole = CustomCallItem("ctc_1", "call_1", "sh", text, arguments or "{}")
    assert events[1:] == [InputAdded(0, text), ItemDone(0, whole)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([TextDelta("Hel"), CUT], (message("msg_1", "Hel", INCOMPLETE),), id="text"),
        pytest.param(
            [ReasoningDelta("Hm"), CUT],
            (ReasoningItem("rs_1", ("Hm",), status=INCOMPLETE),),
            id="thinking",
        ),
        pytest.param([CUT], (message("msg_1", "", INCOMPLETE),), id="nothing"),
    ],
)
def test_the_last_item_of_a_cut_answer_is_incomplete(
    events: list[ChatEvent], expected: tuple[object, ...]
) -> None:
    items, _ = itemised(*events)

    assert items.items == expected


@pytest.mark.parametrize("before", [[], [ReasoningDelta("Hm")]], ids=["nothing", "thinking"])
def test_an_answer_without_words_has_an_empty_message(before: list[ChatEvent]) -> None:
    items, _ = itemised(*before, STOP)

    assert items.items[-1] == message(f"msg_{len(before) + 1}", "")


def test_an_item_that_is_not_done_is_incomplete() -> None:
    items, _ = itemised(ReasoningDelta("Hm"), TextDelta("Hel"))

    assert items.items == (ReasoningItem("rs_1", ("Hm",)), message("msg_2", "Hel", INCOMPLETE))


def test_a_whole_answer_gives_the_items_of_its_stream() -> None:
    call = ToolCall("call_1", "f", "{}")
    result = ChatResult("Hi", FinishReason.TOOL_CALLS, Usage(1, 2), "Hm", (call,), LOGPROBS)

    assert replay(result) == [
        ReasoningDelta("Hm"),
        TextDelta("Hi", LOGPROBS),
        ToolCallDelta(0, "call_1", "f", "{}"),
        Finished(FinishReason.TOOL_CALLS, Usage(1, 2)),
    ]
    assert replay(ChatResult("", FinishReason.STOP, Usage())) == [STOP]
