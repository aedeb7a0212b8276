"""What a request to Responses may not say, and what it is told then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from application.defaults import Defaults
from domain.errors import InvalidRequestError
from domain.items import AnswerText, CompactionItem, ItemReference, MessageItem, ReasoningItem
from domain.messages import ImageLink, Role, TextPart
from domain.tools import ToolChoice
from entrypoints.http.openai.parsing import BodyParser
from entrypoints.http.openai.responses import wire
from entrypoints.http.openai.responses.opaque import Sealed, seal, unseal
from entrypoints.http.openai.responses.parse import Asked, to_domain

DEFAULTS = Defaults("llama3", None)
FUNCTION: dict[str, Any] = {"type": "function", "name": "f"}
PARSER = BodyParser(wire.ResponsesRequest)


def parsed(**body: Any) -> Asked:
    text = json.dumps({"input": "Hi"} | body).encode()
    return to_domain(PARSER.parse(text).wire, DEFAULTS)


def item(**fields: Any) -> dict[str, Any]:
    return {"input": [fields]}


def part(**fields: Any) -> dict[str, Any]:
    return item(role="user", content=[fields])


def words(**fields: Any) -> dict[str, Any]:
    return item(role="assistant", content=[fields])


def tool(*tools: Any, choice: Any = None) -> dict[str, Any]:
    return {"tools": list(tools), "tool_choice": choice}


MISSING = "missing_required_parameter"
CASES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "no input": ({"input": None}, "input", MISSING),
    "input of a wrong type": ({"input": 5}, "input", "invalid_type"),
    "a field of nobody's": ({"foo": 1}, "foo", "unknown_parameter"),
    "too few tokens": ({"max_output_tokens": 15}, "max_output_tokens", "integer_below_min_value"),
    "too hot": ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    "top_p": ({"top_p": 1.1}, "top_p", "decimal_above_max_value"),
    "top_logprobs": ({"top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    "an unknown include": ({"include": ["x"]}, "include[0]", "invalid_value"),
    "too many metadata": (
        {"metadata": {str(n): "" for n in range(17)}},
        "metadata",
        "object_above_max_length",
    ),
    "metadata that is no text": ({"metadata": {"a": 1}}, "metadata", "invalid_type"),
    "an unknown effort": ({"reasoning": {"effort": "x"}}, "reasoning.effort", "invalid_value"),
    "an unknown truncation": ({"truncation": "x"}, "truncation", "invalid_value"),
    "a stored prompt": ({"prompt": {"id": "p"}}, "prompt", "unsupported_parameter"),
    "moderation": ({"moderation": {}}, "moderation", "unsupported_parameter"),
    "background": (
        {"background": True, "store": False},
        "background",
        "unsupported_parameter",
    ),
    "options of no stream": ({"stream_options": {}}, "stream_options", None),
    "a chain and a conversation": (
        {"previous_response_id": "resp_1", "conversation": "conv_1"},
        "previous_response_id",
        "mutually_exclusive_parameters",
    ),
    "a schema without a name": (
        {"text": {"format": {"type": "json_schema", "schema": {}}}},
        "text.format.name",
        MISSING,
    ),
    "a schema that is no object": (
        {"text": {"format": {"type": "json_schema", "name": "a", "schema": 5}}},
        "text.format.schema",
        "invalid_type",
    ),
    "an unknown kind of item": (item(type="x"), "input[0].type", "invalid_value"),
    "an item of no kind": (item(), "input[0].type", MISSING),
    "a message without a role": (item(type="message", content=""), "input[0].role", MISSING),
    "a message without content": (item(role="user"), "input[0].content", MISSING),
    "an unknown role": (item(role="tool", content=""), "input[0].role", "invalid_value"),
    "a call without an id": (
        item(type="function_call", name="f", arguments="{}"),
        "input[0].call_id",
        MISSING,
    ),
    "a call without a name": (
        item(type="function_call", call_id="c", arguments="{}"),
        "input[0].name",
        MISSING,
    ),
    "a call without arguments": (
        item(type="function_call", call_id="c", name="f"),
        "input[0].arguments",
        MISSING,
    ),
    "arguments that are no object": (
        item(type="function_call", call_id="c", name="f", arguments="[1]"),
        "input[0].arguments",
        "invalid_value",
    ),
    "a custom call without input": (
        item(type="custom_tool_call", call_id="c", name="f"),
        "input[0].input",
        MISSING,
    ),
    "an output without an id": (
        item(type="function_call_output", output=""),
        "input[0].call_id",
        MISSING,
    ),
    "an output without output": (
        item(type="custom_tool_call_output", call_id="c"),
        "input[0].output",
        MISSING,
    ),
    "an output that is an object": (
        item(type="function_call_output", call_id="c", output={}),
        "input[0].output",
        "invalid_type",
    ),
    "a reference without an id": (item(type="item_reference"), "input[0].id", MISSING),
    "a compaction without content": (
        item(type="compaction"),
        "input[0].encrypted_content",
        MISSING,
    ),
    "a compaction of another server": (
        item(type="compaction", encrypted_content="eHh4"),
        "input[0].encrypted_content",
        "invalid_encrypted_content",
    ),
    "an unknown part": (part(type="x"), "input[0].content[0].type", "invalid_value"),
    "a text without text": (part(type="input_text"), "input[0].content[0].text", MISSING),
    "a file": (part(type="input_file"), "input[0].content[0].type", "unsupported_value"),
    "audio": (part(type="input_audio"), "input[0].content[0].type", "unsupported_value"),
    "an image by a file's id": (
        part(type="input_image", file_id="f"),
        "input[0].content[0].file_id",
        "unsupported_parameter",
    ),
    "an image of nothing": (part(type="input_image"), "input[0].content[0].image_url", MISSING),
    "an image that is none": (
        part(type="input_image", image_url="x"),
        "input[0].content[0].image_url",
        "invalid_image_url",
    ),
    "an assistant's image": (
        words(type="input_image", image_url="x"),
        "input[0].content[0].type",
        "unsupported_value",
    ),
    "a refusal of nothing": (words(type="refusal"), "input[0].content[0].refusal", MISSING),
    "a hosted tool alone": (tool({"type": "web_search"}), "tools[0].type", "unsupported_value"),
    "an unknown tool alone": (tool({"type": "x"}), "tools[0].type", "unsupported_value"),
    "a grammar alone": (
        tool({"type": "custom", "name": "c", "format": {"type": "grammar"}}),
        "tools[0].format",
        "unsupported_value",
    ),
    "a hosted tool forced": (
        tool(FUNCTION, {"type": "mcp"}, choice={"type": "mcp"}),
        "tool_choice.type",
        "unsupported_value",
    ),
    "only hosted tools allowed": (
        tool(FUNCTION, choice={"type": "allowed_tools", "tools": [{"type": "mcp"}]}),
        "tool_choice.tools",
        "unsupported_value",
    ),
    "no tools allowed": (
        tool(FUNCTION, choice={"type": "allowed_tools"}),
        "tool_choice.tools",
        MISSING,
    ),
    "a choice without a name": (
        tool(FUNCTION, choice={"type": "function"}),
        "tool_choice.name",
        MISSING,
    ),
    "a choice that is not there": (
        tool(FUNCTION, choice={"type": "function", "name": "g"}),
        "tool_choice",
        "invalid_value",
    ),
    "a choice of no tools": (tool(choice={"type": "function", "name": "f"}), "tool_choice", None),
    "a call of no tools": (tool(choice="required"), "tool_choice", None),
    "a function in the form of chat": (
        tool({"type": "function", "function": {"name": "f"}}),
        "tools[0].name",
        MISSING,
    ),
    "a function of no object": (
        tool(FUNCTION | {"parameters": {"type": "string"}}),
        "tools[0].parameters",
        "invalid_function_parameters",
    ),
    "a name that no model can write": (
        tool({"type": "function", "name": "a b"}),
        "tools[0].name",
        "invalid_value",
    ),
}


@pytest.mark.parametrize(
    ("body", "param", "code"), [pytest.param(*case, id=name) for name, case in CASES.items()]
)
def test_what_cannot_be_is_refused_by_name(
    body: dict[str, Any], param: str, code: str | None
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parsed(**body)

    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(
    ("kind", "instead"),
    [
        ("web_search_preview_2025_03_11", "offer a function that searches"),
        ("file_search", "put the passages into the input"),
        ("code_interpreter", "offer a function that takes code"),
        ("computer_use_preview", "offer functions that act"),
        ("image_generation", "offer a function that takes a description"),
        ("mcp", "connect to the MCP server in your program"),
        ("local_shell", "offer a function that takes a command"),
        ("tool_search", "offer functions"),
    ],
)
def test_a_refusal_of_a_tool_says_what_works_instead(kind: str, instead: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"'{kind}' are not run here: {instead}"):
        parsed(tools=[{"type": kind}])


@pytest.mark.parametrize(
    ("choice", "expected", "offered", "parallel"),
    [
        (FUNCTION, ToolChoice.REQUIRED, ["f"], False),
        ({"type": "custom", "name": "c"}, ToolChoice.REQUIRED, ["c"], False),
        ({"type": "allowed_tools", "tools": [FUNCTION]}, ToolChoice.AUTO, ["f"], True),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [FUNCTION, {"type": "mcp", "name": "g", "server_label": "x"}],
            },
            ToolChoice.REQUIRED,
            ["f"],
            True,
        ),
    ],
)
def test_a_choice_of_tools(
    choice: dict[str, Any],
    expected: ToolChoice,
    offered: list[str],
    parallel: bool,  # noqa: FBT001 - a case
) -> None:
    others = ({"type": "function", "name": "g"}, {"type": "custom", "name": "c"})

    chat = parsed(**tool(FUNCTION, *others, choice=choice)).request.chat

    assert [each.name for each in chat.tools] == offered
    assert (chat.tool_choice, chat.parallel_tool_calls) == (expected, parallel)


def test_parameters_that_are_null_are_none() -> None:
    null, absent = (
        parsed(**tool(each)).request.chat.tools
        for each in (FUNCTION | {"parameters": None}, FUNCTION)
    )

    assert null == absent


@pytest.mark.parametrize(("role", "words_of"), [("user", TextPart), ("assistant", AnswerText)])
def test_a_text_is_of_whoever_said_it(role: str, words_of: type[TextPart | AnswerText]) -> None:
    (message,) = parsed(**item(role=role, content="Hi")).request.input

    assert isinstance(message, MessageItem)
    assert message.content == (words_of("Hi"),)


def test_a_string_is_one_message() -> None:
    (message,) = parsed(input="").request.input

    assert isinstance(message, MessageItem)
    assert (message.role, message.id) == (Role.USER, "")


def test_ids_of_the_client_stay() -> None:
    given = parsed(input=[{"id": "msg_1", "role": "user", "content": ""}, {"id": "x"}])

    assert given.request.input[0].id == "msg_1"
    assert given.request.input[1] == ItemReference("x")


def test_an_image_may_be_at_an_address() -> None:
    (message,) = parsed(
        **part(type="input_image", image_url="https://images.test/a.png")
    ).request.input

    assert isinstance(message, MessageItem)
    link = ImageLink("https://images.test/a.png", "input[0].content[0].image_url")
    assert [getattr(each, "image", None) for each in message.content] == [link]


def test_thoughts_are_read_from_content() -> None:
    content = [{"type": "reasoning_text", "text": "Hm."}]

    given = parsed(**item(type="reasoning", summary=[], content=content)).request.input

    assert given == (ReasoningItem("", (), ("Hm.",)),)


def test_a_compaction_of_ours_is_read() -> None:
    sealed = seal(Sealed.SUMMARY, "They met.")

    given = parsed(**item(type="compaction", id="cmp_1", encrypted_content=sealed)).request.input

    assert given == (CompactionItem("cmp_1", "They met."),)


def test_a_conversation_is_named_in_either_form() -> None:
    assert parsed(conversation="conv_1").request.conversation_id == "conv_1"
    assert parsed(conversation={"id": "conv_1"}).request.conversation_id == "conv_1"


@pytest.mark.parametrize("text", ["", "Hé\u2028", "\ud800"])
def test_what_is_sealed_is_read_back(text: str) -> None:
    assert unseal(Sealed.THOUGHT, seal(Sealed.THOUGHT, text)) == text.replace("\ud800", "?")


@pytest.mark.parametrize("value", ["", "%", "é", "dDE6/w==", seal(Sealed.SUMMARY, "x")], ids=repr)
def test_what_is_not_ours_is_none(value: str) -> None:
    assert unseal(Sealed.THOUGHT, value) is None
