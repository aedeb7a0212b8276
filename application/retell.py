"""A response that is kept, as the stream that it was or could have been."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from application.response_events import (
    Began,
    Ended,
    InputAdded,
    ItemAdded,
    ItemDone,
    TextAdded,
    ThoughtAdded,
)
from domain.items import (
    AnswerText,
    CustomCallItem,
    FunctionCallItem,
    ItemStatus,
    MessageItem,
    ReasoningItem,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from application.response_events import ResponseEvent
    from domain.conversation import StoredResponse
    from domain.items import Item


class ToldStream:
    """A final response in one batch, with the ids that it has."""

    def __init__(self, response: StoredResponse) -> None:
        self._response: StoredResponse | None = response

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ResponseEvent]:
        if self._response is None:
            raise StopAsyncIteration
        events = list(_events(self._response))
        self._response = None
        return events

    async def aclose(self) -> None:
        self._response = None


def _events(response: StoredResponse) -> Iterator[ResponseEvent]:
    yield Began(response)
    for index, item in enumerate(response.output):
        yield ItemAdded(index, _empty(item))
        yield from _content(index, item)
        yield ItemDone(index, item)
    yield Ended(response)


def _empty(item: Item) -> Item:
    begun = ItemStatus.IN_PROGRESS
    match item:
        case MessageItem():
            return replace(item, content=(), status=begun)
        case ReasoningItem():
            return replace(item, summary=(), content=(), status=begun)
        case FunctionCallItem():
            return replace(item, arguments="", status=begun)
        case CustomCallItem():
            return replace(item, input="", status=begun)
        case _:
            return item


def _content(index: int, item: Item) -> Iterator[ResponseEvent]:
    match item:
        case MessageItem(content=parts):
            yield from (
                TextAdded(index, (part.text,), part.logprobs)
                for part in parts
                if isinstance(part, AnswerText) and (part.text or part.logprobs)
            )
        case ReasoningItem(summary=texts):
            yield from (ThoughtAdded(index, text) for text in texts)
        case FunctionCallItem(arguments=text) | CustomCallItem(input=text):
            yield InputAdded(index, text)
        case _:
            pass
