from __future__ import annotations

import pytest

from domain import prompt
from domain.messages import ImagePart, Message, Role, TextPart
from domain.sampling import Verbosity
from tests.support import builders

SYSTEM = Message(Role.SYSTEM, "Be kind.")
DEVELOPER = Message(Role.DEVELOPER, "Be brief.")
USER = Message(Role.USER, "Hello")
CALL = builders.ToolCallFactory.build(id="call_1", name="get_weather")
BRIEFLY = "Answer as briefly as the question allows, with no preamble."


def test_a_conversation_without_a_system_message_stays_as_it_is() -> None:
    assert prompt.build([USER]) == (USER,)


def test_system_and_developer_texts_become_one_message_in_front() -> None:
    late = Message(Role.SYSTEM, (TextPart("Rhyme."), TextPart("Always.")))

    assert prompt.build([DEVELOPER, USER, SYSTEM, late]) == (
        Message(Role.SYSTEM, "Be brief.\n\nBe kind.\n\nRhyme.\nAlways."),
        USER,
    )


def test_empty_system_messages_are_left_out() -> None:
    nothing = Message(Role.SYSTEM, "")

    assert prompt.build([nothing, USER]) == (USER,)
    assert prompt.build([nothing, SYSTEM, nothing, USER]) == (SYSTEM, USER)


@pytest.mark.parametrize(
    ("verbosity", "rule"),
    [
        (Verbosity.LOW, BRIEFLY),
        (Verbosity.HIGH, "Answer at length, with explanations and examples."),
    ],
)
def test_verbosity_is_a_rule_behind_the_callers_own(verbosity: Verbosity, rule: str) -> None:
    assert prompt.build([SYSTEM, USER], verbosity=verbosity) == (
        Message(Role.SYSTEM, f"Be kind.\n\n{rule}"),
        USER,
    )


@pytest.mark.parametrize("verbosity", [None, Verbosity.MEDIUM])
def test_medium_verbosity_changes_nothing(verbosity: Verbosity | None) -> None:
    assert prompt.build([USER], verbosity=verbosity) == (USER,)


def test_rules_come_last() -> None:
    built = prompt.build([SYSTEM, USER], verbosity=Verbosity.LOW, rules=["One.", "Two."])

    assert built[0] == Message(Role.SYSTEM, f"Be kind.\n\n{BRIEFLY}\n\nOne.\n\nTwo.")


def test_building_twice_changes_nothing() -> None:
    once = prompt.build([DEVELOPER, USER, SYSTEM])

    assert prompt.build(once) == once


def test_a_tool_result_gets_the_name_of_the_latest_call_with_its_id() -> None:
    other = builders.ToolCallFactory.build(id="call_1", name="get_time")
    result = Message(Role.TOOL, "12:00", tool_call_id="call_1")
    messages = [
        Message(Role.ASSISTANT, tool_calls=(CALL,)),
        result,
        Message(Role.ASSISTANT, tool_calls=(other,)),
        result,
    ]

    names = [m.tool_name for m in prompt.build(messages)]

    assert names == [None, "get_weather", None, "get_time"]


def test_a_tool_result_keeps_the_name_that_it_came_with() -> None:
    messages = [
        Message(Role.ASSISTANT, tool_calls=(CALL,)),
        Message(Role.TOOL, "x", tool_call_id="call_1", tool_name="mine"),
    ]

    assert prompt.build(messages)[1].tool_name == "mine"


@pytest.mark.parametrize("call_id", ["call_9", None])
def test_a_result_of_an_unknown_call_stays_nameless(call_id: str | None) -> None:
    result = Message(Role.TOOL, "x", tool_call_id=call_id)

    assert prompt.build([result]) == (result,)


def test_the_rule_for_json_shows_the_schema() -> None:
    assert prompt.json_rule(None) == "Answer with one JSON object and nothing else."
    assert prompt.json_rule('{"type":"object"}') == (
        'Answer with JSON that satisfies this JSON Schema, and nothing else:\n{"type":"object"}'
    )


def test_text_and_images_of_a_message_are_told_apart() -> None:
    image = builders.ImagePartFactory.build()
    message = Message(Role.USER, (TextPart("a"), image, TextPart("b")))

    assert (message.text, message.images) == ("a\nb", (image,))
    assert (USER.text, USER.images) == ("Hello", ())
    assert isinstance(image, ImagePart)
