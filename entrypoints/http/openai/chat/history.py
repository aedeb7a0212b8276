"""The messages of a chat request to the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.errors import InvalidRequestError
from domain.messages import ContentPart, Message, Role, TextPart
from domain.tools import ToolCall
from entrypoints.http.openai.chat import wire
from entrypoints.http.openai.images import image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_arguments = msgspec.json.Decoder(dict[str, msgspec.Raw])


def messages(given: Sequence[wire.Message]) -> tuple[Message, ...]:
    """Return the conversation, turn by turn.

    Raises:
        InvalidRequestError: a part is of a kind that its role or this server does not take.
    """
    return tuple(_message(message, f"messages[{i}]") for i, message in enumerate(given))


def _message(message: wire.Message, path: str) -> Message:
    match message:
        case wire.UserMessage(content):
            return Message(Role.USER, _content(content, f"{path}.content", images=True))
        case wire.SystemMessage(content):
            return Message(Role.SYSTEM, _content(content, f"{path}.content"))
        case wire.DeveloperMessage(content):
            return Message(Role.DEVELOPER, _content(content, f"{path}.content"))
        case wire.AssistantMessage():
            return _assistant(message, path)
        case wire.ToolMessage(content, call_id, name):
            text = _content(content, f"{path}.content")
            return Message(Role.TOOL, text, tool_call_id=call_id, tool_name=name)
        case wire.FunctionMessage(name, content):
            # The old form has no ids; one call a turn, so the name will do.
            return Message(Role.TOOL, content or "", tool_call_id=_old_id(name), tool_name=name)


def _assistant(message: wire.AssistantMessage, path: str) -> Message:
    if message.audio is not UNSET and bytes(message.audio) != b"null":
        refused = "There is no earlier audio here ('audio'); send its transcript as content."
        raise InvalidRequestError(refused, code="unsupported_value", param=f"{path}.audio")
    calls = [
        ToolCall(call.id, call.function.name, _object_text(call.function.arguments, where))
        for index, call in enumerate(message.tool_calls or ())
        for where in [f"{path}.tool_calls[{index}].function.arguments"]
    ]
    if (old := message.function_call) is not None:
        where = f"{path}.function_call.arguments"
        calls.append(ToolCall(_old_id(old.name), old.name, _object_text(old.arguments, where)))
    content = message.content if message.content is not None else message.refusal
    if content is None and not calls:
        message_text = f"Missing required parameter: '{path}.content'."
        raise InvalidRequestError(
            message_text, code="missing_required_parameter", param=f"{path}.content"
        )
    return Message(
        Role.ASSISTANT,
        _content(content or "", f"{path}.content"),
        tool_calls=tuple(calls),
        reasoning=message.reasoning_content or message.reasoning or "",
    )


def _old_id(name: str) -> str:
    return f"call_{name}"


def _object_text(text: str, param: str) -> str:
    if not text.strip():
        return "{}"
    try:
        _arguments.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"Invalid '{param}': expected the text of a JSON object."
        raise InvalidRequestError(message, code="invalid_value", param=param) from error
    return text


def _content(
    content: str | Iterable[wire.Part], path: str, *, images: bool = False
) -> str | tuple[ContentPart, ...]:
    if isinstance(content, str):
        return content
    return tuple(
        _part(part, f"{path}[{index}]", images=images) for index, part in enumerate(content)
    )


def _part(part: wire.Part, path: str, *, images: bool) -> ContentPart:
    match part:
        case wire.TextPart(text) | wire.RefusalPart(text):
            return TextPart(text)
        case wire.ImagePart(given) if images:
            url = given if isinstance(given, str) else given.url
            return image(url, f"{path}.image_url.url")
        case wire.ImagePart():
            msg = "Images are taken in user messages only."
            raise _refused(msg, path)
        case wire.AudioPart():
            msg = "Audio input ('input_audio') is not supported."
            raise _refused(msg, path)
        case wire.FilePart():
            msg = "File input ('file') is not supported; send its text instead."
            raise _refused(msg, path)


def _refused(message: str, path: str) -> InvalidRequestError:
    return InvalidRequestError(message, code="unsupported_value", param=f"{path}.type")
