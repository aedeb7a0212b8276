"""What one connection remembers of responses that are not kept."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from application.history import MOST_CHARACTERS, MOST_RESPONSES
from domain.items import size

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping, Sequence

    from application.history import Past
    from domain.conversation import StoredResponse
    from domain.items import Item


class ConnectionMemory:
    """A past that holds this connection's own responses, too, and ends with it.

    It is bounded as the history of a response is: what was remembered longest ago goes first.
    """

    def __init__(self, kept: Past) -> None:
        self._kept = kept
        self._responses: dict[str, StoredResponse] = {}
        self._characters = 0

    def remember(self, response: StoredResponse) -> None:
        """Let what comes later on this connection go on from ``response``."""
        self._responses[response.id] = response
        self._characters += _size(response)
        while len(self._responses) > MOST_RESPONSES or self._characters > MOST_CHARACTERS:
            self.forget(next(iter(self._responses)))

    def forget(self, response_id: str) -> None:
        """Remember a response no more, if it was."""
        response = self._responses.pop(response_id, None)
        if response is not None:
            self._characters -= _size(response)

    @contextmanager
    def following(self, response_id: str | None) -> Generator[None]:
        """While entered, something goes on from a response; where it fails that is forgotten.

        A client that is told so sends the whole context again, and cannot go on from a state
        that it no longer knows (Open Responses, WebSocket mode).
        """
        try:
            yield
        except Exception:
            if response_id is not None:
                self.forget(response_id)
            raise

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        """Return a response, from here or as kept.

        Raises:
            NotFoundError: there is none.
        """
        if response_id in self._responses:
            return self._responses[response_id]
        return await self._kept.get(owner, response_id)

    async def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        """Return the items with these ids, from here or as kept."""
        here = {
            item.id: item
            for response in self._responses.values()
            for item in (*response.input, *response.output)
            if item.id in item_ids
        }
        missing = [item_id for item_id in item_ids if item_id not in here]
        return {**(await self._kept.find_items(owner, missing)), **here} if missing else here

    async def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        """Return the items of a conversation, which is always kept.

        Raises:
            NotFoundError: there is no such conversation.
        """
        return await self._kept.list_items(owner, conversation_id)


def _size(response: StoredResponse) -> int:
    return sum(map(size, (*response.input, *response.output)))
