"""From items to the messages that a model is asked with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError
from domain.items import (
    CompactionItem,
    CustomCallItem,
    CustomOutputItem,
    FunctionCallItem,
    FunctionOutputItem,
    ImageInput,
    ItemStatus,
    MessageItem,
    ReasoningItem,
)
from domain.messages import ContentPart, Message, Role, TextPart
from domain.tools import ToolCall, full_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.items import Item, ItemPart


def to_messages(items: Iterable[Item]) -> tuple[Message, ...]:
    """Return the turns that ``items`` are.

    An assistant's thoughts, words and calls are items each; in a row they are one turn.

    Raises:
        InvalidRequestError: a tool's output answers no call that came before it.
    """
    turns = _Turns()
    for item in items:
        turns.add(item)
    return turns.end()


class _Turns:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._thought = ""
        self._calls: set[str] = set()
        # By the places of their turns: there may be thousands in one.
        self._made: dict[int, list[ToolCall]] = {}

    def add(self, item: Item) -> None:
        match item:
            case MessageItem(_, Role.ASSISTANT, parts):
                self._say(parts)
            case MessageItem(_, role, parts):
                self._thought = ""
                self.messages.append(Message(role, _content(parts)))
            case FunctionCallItem() | CustomCallItem() if item.status is ItemStatus.INCOMPLETE:
                # It was cut while it was written, and never made.
                pass
            case FunctionCallItem() | CustomCallItem():
                name = full_name(item.namespace, item.name)
                self._call(ToolCall(item.call_id, name, item.arguments or "{}"))
            case FunctionOutputItem() | CustomOutputItem():
                self._return(item)
            case ReasoningItem(_, summary, content):
                self._thought = "\n\n".join(content or summary)
            case CompactionItem(_, summary):
                text = f"What was said before, in short:\n{summary}"
                self.messages.append(Message(Role.DEVELOPER, text))

    def end(self) -> tuple[Message, ...]:
        """Return the turns, with their calls."""
        for place, calls in self._made.items():
            self.messages[place] = replace(self.messages[place], tool_calls=tuple(calls))
        return tuple(self.messages)

    def _say(self, parts: Sequence[ItemPart]) -> None:
        text = "".join(part.text for part in parts if not isinstance(part, ImageInput))
        self.messages.append(Message(Role.ASSISTANT, text, reasoning=self._thought))
        self._thought = ""

    def _call(self, call: ToolCall) -> None:
        self._calls.add(call.id)
        last = self.messages[-1] if self.messages else None
        if last is None or last.role is not Role.ASSISTANT or self._thought:
            self.messages.append(Message(Role.ASSISTANT, reasoning=self._thought))
            self._thought = ""
        self._made.setdefault(len(self.messages) - 1, []).append(call)

    def _return(self, item: FunctionOutputItem | CustomOutputItem) -> None:
        if item.call_id not in self._calls:
            message = f"No tool call found for function call output with call_id {item.call_id}."
            raise InvalidRequestError(message, param="input")
        output = item.output if isinstance(item.output, str) else _content(item.output)
        self.messages.append(Message(Role.TOOL, output, tool_call_id=item.call_id))


def _content(parts: Sequence[ItemPart]) -> str | tuple[ContentPart, ...]:
    content = tuple(
        part.image if isinstance(part, ImageInput) else TextPart(part.text) for part in parts
    )
    if len(content) == 1 and isinstance(only := content[0], TextPart):
        return only.text
    return content
