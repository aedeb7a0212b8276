"""A model's answer to the items of a response."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from application.response_events import (
    InputAdded,
    ItemAdded,
    ItemDone,
    ItemEvent,
    TextAdded,
    ThoughtAdded,
)
from domain.chat import ChatResult, FinishReason, TokenLogprob
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, TextRun, ToolCallDelta
from domain.items import (
    PREFIXES,
    AnswerText,
    CustomCallItem,
    FunctionCallItem,
    Item,
    ItemStatus,
    MessageItem,
    ReasoningItem,
)
from domain.messages import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


@dataclass(slots=True)
class _Open:
    """An item that grows."""

    kind: type[Item]
    id: str
    call_id: str = ""
    name: str = ""
    namespace: str = ""
    pieces: list[str] = field(default_factory=list[str])
    logprobs: list[TokenLogprob] = field(default_factory=list[TokenLogprob])

    def item(self, status: ItemStatus) -> Item:
        """Return the item as it stands."""
        text = "".join(self.pieces)
        begun = status is not ItemStatus.IN_PROGRESS
        if self.kind is ReasoningItem:
            return ReasoningItem(self.id, (text,) if begun else (), status=status)
        if self.kind is FunctionCallItem:
            return FunctionCallItem(self.id, self.call_id, self.name, text, status, self.namespace)
        if self.kind is CustomCallItem:
            return CustomCallItem(
                self.id, self.call_id, self.name, _input(text), text, status, self.namespace
            )
        parts = (AnswerText(text, tuple(self.logprobs)),) if begun else ()
        return MessageItem(self.id, Role.ASSISTANT, parts, status)


class Itemiser:
    """Chat events in, item events out; one instance per response.

    Args:
        new_id: returns a new id with a prefix.
        custom: names of the tools that are custom ones.
        namespaces: of the tools that are in one, its name and their own.
    """

    def __init__(
        self,
        new_id: Callable[[str], str],
        custom: Collection[str] = (),
        namespaces: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._new_id = new_id
        self._custom = custom
        self._namespaces = namespaces or {}
        self._done: list[Item] = []
        self._open: _Open | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """The items so far; one that is not done is incomplete."""
        if self._open is None:
            return tuple(self._done)
        return (*self._done, self._open.item(ItemStatus.INCOMPLETE))

    def feed(self, events: Sequence[ChatEvent]) -> list[ItemEvent]:
        """Return what ``events`` do to the items; perhaps nothing."""
        out: list[ItemEvent] = []
        for event in events:
            match event:
                case TextRun(pieces):
                    self._growing(MessageItem, out).pieces += pieces
                    out.append(TextAdded(len(self._done), pieces))
                case TextDelta(text, logprobs):
                    message = self._growing(MessageItem, out)
                    message.pieces.append(text)
                    message.logprobs += logprobs
                    out.append(TextAdded(len(self._done), (text,), logprobs))
                case ReasoningDelta(text):
                    self._growing(ReasoningItem, out).pieces.append(text)
                    out.append(ThoughtAdded(len(self._done), text))
                case ToolCallDelta():
                    self._call(event, out)
                case Finished(reason):
                    self._end(reason, out)
        return out

    def _growing(self, kind: type[Item], out: list[ItemEvent]) -> _Open:
        if self._open is None or self._open.kind is not kind:
            return self._begin(_Open(kind, self._new_id(PREFIXES[kind])), out)
        return self._open

    def _begin(self, item: _Open, out: list[ItemEvent]) -> _Open:
        self._close(ItemStatus.COMPLETED, out)
        self._open = item
        out.append(ItemAdded(len(self._done), item.item(ItemStatus.IN_PROGRESS)))
        return item

    def _call(self, delta: ToolCallDelta, out: list[ItemEvent]) -> None:
        call = self._open
        if delta.id is not None and delta.name is not None:
            kind = CustomCallItem if delta.name in self._custom else FunctionCallItem
            namespace, name = self._namespaces.get(delta.name, ("", delta.name))
            call = _Open(kind, self._new_id(PREFIXES[kind]), delta.id, name, namespace)
            self._begin(call, out)
        if call is not None and delta.arguments:
            call.pieces.append(delta.arguments)
            # A custom tool's input is inside the arguments: it shows once they are whole.
            if call.kind is FunctionCallItem:
                out.append(InputAdded(len(self._done), delta.arguments))

    def _close(self, status: ItemStatus, out: list[ItemEvent]) -> None:
        if self._open is None:
            return
        if self._open.call_id and not self._open.pieces:
            self._open.pieces.append("{}")
            if self._open.kind is FunctionCallItem:
                out.append(InputAdded(len(self._done), "{}"))
        item = self._open.item(status)
        if isinstance(item, CustomCallItem):
            out.append(InputAdded(len(self._done), item.input))
        out.append(ItemDone(len(self._done), item))
        self._done.append(item)
        self._open = None

    def _end(self, reason: FinishReason, out: list[ItemEvent]) -> None:
        cut = reason is FinishReason.LENGTH
        items = self.items
        said = any(not isinstance(item, ReasoningItem) for item in items)
        # Who asked finds a message even where the model had nothing to say.
        if not items or not (said or cut):
            self._growing(MessageItem, out)
        self._close(ItemStatus.INCOMPLETE if cut else ItemStatus.COMPLETED, out)


def replay(result: ChatResult) -> list[ChatEvent]:
    """Return the events of a whole answer."""
    events: list[ChatEvent] = []
    if result.reasoning:
        events.append(ReasoningDelta(result.reasoning))
    if result.content or result.logprobs:
        events.append(TextDelta(result.content, result.logprobs))
    events += (
        ToolCallDelta(index, call.id, call.name, call.arguments)
        for index, call in enumerate(result.tool_calls)
    )
    return [*events, Finished(result.finish_reason, result.usage)]


def _input(arguments: str) -> str:
    """Return the text that the arguments of a custom tool hold; themselves where they do not."""
    try:
        text: object = json.loads(arguments)["input"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return arguments
    return text if isinstance(text, str) else arguments
