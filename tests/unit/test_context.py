from __future__ import annotations

import pytest

from domain.context import to_messages
from domain.errors import InvalidRequestError
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
    size,
)
from domain.messages import ImageLink, ImagePart, Message, Role, TextPart
from domain.tools import ToolCall

PICTURE = ImagePart("image/gif", "R0lG")
LINK = ImageLink("https://images.test/a.png", "input")
CALL = FunctionCallItem("fc_1", "call_1", "get_weather", '{"city":"Rome"}')
CALLED = ToolCall("call_1", "get_weather", '{"city":"Rome"}')


def user(text: str) -> MessageItem:
    return MessageItem("msg_1", Role.USER, (TextPart(text),))


def assistant(text: str) -> MessageItem:
    return MessageItem("msg_2", Role.ASSISTANT, (AnswerText(text),))


def test_messages_stay_in_their_order_and_roles() -> None:
    system = MessageItem("msg_0", Role.DEVELOPER, (TextPart("Be brief."),))

    assert to_messages([system, user("Hi"), assistant("Hello"), user("Bye")]) == (
        Message(Role.DEVELOPER, "Be brief."),
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, "Hello"),
        Message(Role.USER, "Bye"),
    )


def test_images_stay_beside_their_text() -> None:
    item = MessageItem("m", Role.USER, (TextPart("What?"), ImageInput(PICTURE), ImageInput(LINK)))

    assert to_messages([item]) == (Message(Role.USER, (TextPart("What?"), PICTURE, LINK)),)


def test_an_assistants_parts_are_one_text() -> None:
    item = MessageItem("m", Role.ASSISTANT, (AnswerText("Yes. "), Refusal("No.")))

    assert to_messages([item]) == (Message(Role.ASSISTANT, "Yes. No."),)


def test_thoughts_words_and_calls_in_a_row_are_one_turn() -> None:
    second = FunctionCallItem("fc_2", "call_2", "get_time", "")

    turns = to_messages([ReasoningItem("rs_1", ("Hm.",)), assistant("Let me see."), CALL, second])

    calls = (CALLED, ToolCall("call_2", "get_time", "{}"))
    assert turns == (Message(Role.ASSISTANT, "Let me see.", tool_calls=calls, reasoning="Hm."),)


def test_a_call_after_a_thought_is_a_turn_of_its_own() -> None:
    turns = to_messages([assistant("So."), ReasoningItem("rs_1", ("Hm.",)), CALL])

    assert turns == (
        Message(Role.ASSISTANT, "So."),
        Message(Role.ASSISTANT, tool_calls=(CALLED,), reasoning="Hm."),
    )


def test_very_many_calls_in_a_row_are_one_turn() -> None:
    # Copied for each one, they would take minutes.
    items = [FunctionCallItem("fc", f"call_{number}", "f", "") for number in range(160_000)]

    (turn,) = to_messages(items)

    assert [call.id for call in turn.tool_calls] == [item.call_id for item in items]


def test_a_call_may_come_first() -> None:
    turn = Message(Role.ASSISTANT, tool_calls=(CALLED,))

    assert to_messages([CALL]) == (turn,)
    assert to_messages([user("Hi"), CALL]) == (Message(Role.USER, "Hi"), turn)


def test_a_call_that_was_cut_was_never_made() -> None:
    cut = FunctionCallItem("fc_1", "call_1", "f", '{"a', ItemStatus.INCOMPLETE)
    other = CustomCallItem("ctc_1", "call_2", "c", "a", '{"inp', ItemStatus.INCOMPLETE)

    assert to_messages([user("Hi"), assistant("Well"), cut, other]) == (
        Message(Role.USER, "Hi"),
        Message(Role.ASSISTANT, "Well"),
    )


def test_thoughts_as_they_were_count_before_their_summary() -> None:
    item = ReasoningItem("rs_1", ("Short.",), ("Long.", "Longer."))

    assert to_messages([item, assistant("So.")])[0].reasoning == "Long.\n\nLonger."


def test_thoughts_without_an_answer_are_dropped() -> None:
    turns = to_messages([ReasoningItem("rs_1", ("Hm.",)), user("Hi"), assistant("Hello")])

    assert turns[1] == Message(Role.ASSISTANT, "Hello")


@pytest.mark.parametrize(
    ("output", "content"),
    [
        pytest.param("sunny", "sunny", id="text"),
        pytest.param((TextPart("sunny"),), "sunny", id="one part"),
        pytest.param((TextPart("a"), TextPart("b")), (TextPart("a"), TextPart("b")), id="parts"),
        pytest.param((), (), id="nothing"),
    ],
)
def test_an_output_answers_its_call(
    output: str | tuple[TextPart, ...], content: str | tuple[TextPart, ...]
) -> None:
    turns = to_messages([CALL, FunctionOutputItem("fco_1", "call_1", output)])

    assert turns[1] == Message(Role.TOOL, content, tool_call_id="call_1")


def test_a_custom_tool_is_a_function_to_the_model() -> None:
    call = CustomCallItem("ctc_1", "call_1", "sh", "ls", '{"input":"ls"}')

    turns = to_messages([call, CustomOutputItem("ctco_1", "call_1", "a.txt")])

    assert turns == (
        Message(Role.ASSISTANT, tool_calls=(ToolCall("call_1", "sh", '{"input":"ls"}'),)),
        Message(Role.TOOL, "a.txt", tool_call_id="call_1"),
    )


def test_an_output_without_a_call_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="with call_id call_9") as caught:
        to_messages([CALL, FunctionOutputItem("fco_1", "call_9", "sunny")])

    assert (caught.value.param, caught.value.code) == ("input", None)


def test_a_compaction_tells_what_was_said() -> None:
    (turn,) = to_messages([CompactionItem("cmp_1", "They met.")])

    assert turn.role is Role.DEVELOPER
    assert turn.text.endswith("They met.")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        pytest.param(user("four"), 4, id="message"),
        pytest.param(MessageItem("m", Role.USER, (ImageInput(PICTURE),)), 4, id="image"),
        pytest.param(MessageItem("m", Role.USER, (ImageInput(LINK),)), 25, id="link"),
        pytest.param(MessageItem("m", Role.ASSISTANT, (Refusal("no"),)), 2, id="refusal"),
        pytest.param(CALL, 15, id="call"),
        pytest.param(CustomCallItem("c", "call_1", "sh", "ls", "{}"), 2, id="custom call"),
        pytest.param(FunctionOutputItem("f", "call_1", "sunny"), 5, id="output"),
        pytest.param(CustomOutputItem("f", "call_1", (TextPart("ab"),)), 2, id="output parts"),
        pytest.param(ReasoningItem("r", ("ab",), ("cd",)), 4, id="reasoning"),
        pytest.param(CompactionItem("c", "abc"), 3, id="compaction"),
    ],
)
def test_size(item: Item, expected: int) -> None:
    assert size(item) == expected
