"""Items of a request to the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.errors import InvalidRequestError
from domain.items import (
    AnswerText,
    CompactionItem,
    CustomCallItem,
    CustomOutputItem,
    FunctionCallItem,
    FunctionOutputItem,
    InputItem,
    ItemPart,
    ItemReference,
    ItemStatus,
    MessageItem,
    ReasoningItem,
)
from domain.messages import Role, TextPart
from entrypoints.http.openai.responses import wire
from entrypoints.http.openai.responses.opaque import Sealed, unseal
from entrypoints.http.openai.responses.parts import answer_parts, missing, parts, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_encode = msgspec.json.Encoder().encode
_arguments = msgspec.json.Decoder(dict[str, msgspec.Raw])

# Asks for a context made short; it is nothing that anyone said.
TRIGGER = "compaction_trigger"
# Of tools that OpenAI runs; what they did is of no use to a model here.
HOSTED = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "computer_call",
        "computer_call_output",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)


def items(
    given: str | Sequence[wire.InputItem] | None, name: str = "input"
) -> tuple[tuple[InputItem, ...], list[str]]:
    """Return the input as items, and the paths of those that are passed over.

    Items without an id have an empty one; ``name`` is what the field is called.

    Raises:
        InvalidRequestError: an item lacks what its kind must have, or there is no such kind.
    """
    if given is None:
        return (), []
    if isinstance(given, str):
        return (MessageItem("", Role.USER, (TextPart(given),)),), []
    taken: list[InputItem] = []
    skipped: list[str] = []
    for index, item in enumerate(given):
        path = f"{name}[{index}]"
        kind = _kind(item, path)
        if kind == TRIGGER:
            message = f"Invalid '{path}': '{TRIGGER}' must be the last item of the input."
            raise InvalidRequestError(message, code="invalid_value", param=path)
        if kind in HOSTED:
            skipped.append(path)
        else:
            taken.append(_read(kind, path)(item, path))
    return tuple(taken), skipped


def _kind(item: wire.InputItem, path: str) -> str:
    if item.type is not None:
        return item.type
    if item.role is not None:
        return "message"
    if item.id is not None:
        return "item_reference"
    raise missing(path, "type")


def _read(kind: str, path: str) -> Callable[[wire.InputItem, str], InputItem]:
    reader = _READERS.get(kind)
    if reader is None:
        supported = ", ".join(f"'{name}'" for name in _READERS)
        message = f"Invalid value: '{kind}'. Supported values are: {supported}."
        raise InvalidRequestError(message, code="invalid_value", param=f"{path}.type")
    return reader


def _message(item: wire.InputItem, path: str) -> MessageItem:
    if item.role is None:
        raise missing(path, "role")
    if item.content is None:
        raise missing(path, "content")
    role = Role(item.role)
    content: tuple[ItemPart, ...]
    if isinstance(item.content, str):
        words = AnswerText if role is Role.ASSISTANT else TextPart
        content = (words(item.content),)
    elif role is Role.ASSISTANT:
        content = answer_parts(item.content, f"{path}.content")
    else:
        content = parts(item.content, f"{path}.content", images=role is Role.USER)
    return MessageItem(item.id or "", role, content, _status(item), item.phase)


def _function_call(item: wire.InputItem, path: str) -> FunctionCallItem:
    call_id, name = _call(item, path)
    if item.arguments is None:
        raise missing(path, "arguments")
    arguments = _object_text(item.arguments, f"{path}.arguments")
    return FunctionCallItem(
        item.id or "", call_id, name, arguments, _status(item), item.namespace or ""
    )


def _custom_call(item: wire.InputItem, path: str) -> CustomCallItem:
    call_id, name = _call(item, path)
    if item.input is None:
        raise missing(path, "input")
    arguments = _encode({"input": item.input}).decode()
    return CustomCallItem(
        item.id or "", call_id, name, item.input, arguments, _status(item), item.namespace or ""
    )


def _function_output(item: wire.InputItem, path: str) -> FunctionOutputItem:
    call_id, output = _output(item, path)
    return FunctionOutputItem(item.id or "", call_id, output, _status(item))


def _custom_output(item: wire.InputItem, path: str) -> CustomOutputItem:
    call_id, output = _output(item, path)
    return CustomOutputItem(item.id or "", call_id, output, _status(item))


def _reasoning(item: wire.InputItem, path: str) -> ReasoningItem:
    summary = text_of(item.summary or (), f"{path}.summary")
    content: tuple[str, ...] = ()
    if isinstance(item.content, list):
        content = text_of(item.content, f"{path}.content")
    thought = unseal(Sealed.THOUGHT, item.encrypted_content or "")
    if thought is not None:
        content = (thought,)
    return ReasoningItem(item.id or "", summary, content, _status(item))


def _reference(item: wire.InputItem, path: str) -> ItemReference:
    if item.id is None:
        raise missing(path, "id")
    return ItemReference(item.id)


def _compaction(item: wire.InputItem, path: str) -> CompactionItem:
    param = f"{path}.encrypted_content"
    if item.encrypted_content is None:
        raise missing(path, "encrypted_content")
    summary = unseal(Sealed.SUMMARY, item.encrypted_content)
    if summary is None:
        message = f"Invalid '{param}': this server did not make it."
        raise InvalidRequestError(message, code="invalid_encrypted_content", param=param)
    return CompactionItem(item.id or "", summary, _status(item))


_READERS: dict[str, Callable[[wire.InputItem, str], InputItem]] = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _function_output,
    "reasoning": _reasoning,
    "item_reference": _reference,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _custom_output,
    "compaction": _compaction,
}


def _status(item: wire.InputItem) -> ItemStatus:
    return ItemStatus(item.status or "completed")


def _call(item: wire.InputItem, path: str) -> tuple[str, str]:
    if item.call_id is None:
        raise missing(path, "call_id")
    if not item.name:
        raise missing(path, "name")
    return item.call_id, item.name


def _output(item: wire.InputItem, path: str) -> tuple[str, str | tuple[ItemPart, ...]]:
    if item.call_id is None:
        raise missing(path, "call_id")
    if item.output is None:
        raise missing(path, "output")
    if isinstance(item.output, wire.HostedOutput):
        message = f"Invalid type for '{path}.output': expected a string or an array of parts."
        raise InvalidRequestError(message, code="invalid_type", param=f"{path}.output")
    if isinstance(item.output, str):
        return item.call_id, item.output
    return item.call_id, parts(item.output, f"{path}.output", images=True)


def _object_text(text: str, param: str) -> str:
    if not text.strip():
        return "{}"
    try:
        _arguments.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"Invalid '{param}': expected the text of a JSON object."
        raise InvalidRequestError(message, code="invalid_value", param=param) from error
    return text
