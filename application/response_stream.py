"""A response under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from application.itemise import Itemiser
from application.response_events import Began, Ended
from application.summing_up import Summariser
from domain.events import Finished

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from application.ports.llm import ChatStream
    from application.response_events import ResponseEvent
    from domain.conversation import ResponseRequest, StoredResponse
    from domain.items import Item


def itemiser(asked: ResponseRequest, new_id: Callable[[str], str]) -> Itemiser | Summariser:
    """Return what makes items of the answer to ``asked``; ``new_id`` takes a prefix."""
    if asked.compacts:
        return Summariser(new_id)
    return Itemiser(new_id, asked.custom, asked.namespaces)


class AnsweredStream:
    """An answer as the stream of a response.

    Args:
        begun: the response so far.
        end: makes the final response of the items and keeps it.
    """

    def __init__(
        self,
        begun: StoredResponse,
        answer: ChatStream,
        items: Itemiser | Summariser,
        end: Callable[[Sequence[Item], Finished], Awaitable[StoredResponse]],
    ) -> None:
        self._begun: StoredResponse | None = begun
        self._answer = answer
        self._items = items
        self._end = end

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ResponseEvent]:
        events: list[ResponseEvent] = []
        if self._begun is not None:
            events.append(Began(self._begun))
            self._begun = None
        while True:
            batch = await anext(self._answer)
            events += self._items.feed(batch)
            if isinstance(last := batch[-1], Finished):
                events.append(Ended(await self._end(self._items.items, last)))
            if events:
                return events

    async def aclose(self) -> None:
        await self._answer.aclose()
