"""Conversations: items that outlive responses."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from application.history import History
from domain.conversation import Conversation
from domain.errors import NotFoundError
from domain.items import PREFIXES, Item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from application.ports.store import ResponseStorePort
    from application.ports.system import ClockPort, IdPort
    from domain.items import InputItem


class ConversationsService:
    """Keeps conversations. Every method that is given an id may raise ``NotFoundError``."""

    def __init__(self, ids: IdPort, clock: ClockPort, store: ResponseStorePort) -> None:
        self._ids = ids
        self._clock = clock
        self._store = store
        self._history = History(store)

    async def create(
        self, owner: str, metadata: Mapping[str, str], given: Sequence[InputItem]
    ) -> Conversation:
        """Return a new conversation that begins with ``given``; items without an id get one.

        Raises:
            NotFoundError: an item that is named is not there.
        """
        items = await self._resolved(owner, given)
        made = Conversation(self._ids.new("conv_"), self._clock.unix_time(), dict(metadata))
        await self._store.put_conversation(owner, made)
        if items:
            await self._store.append_items(owner, made.id, items)
        return made

    async def get(self, owner: str, conversation_id: str) -> Conversation:
        """Return a conversation."""
        return await self._store.get_conversation(owner, conversation_id)

    async def update(
        self, owner: str, conversation_id: str, metadata: Mapping[str, str]
    ) -> Conversation:
        """Replace what is noted of a conversation, and return it."""
        found = await self._store.get_conversation(owner, conversation_id)
        changed = replace(found, metadata=dict(metadata))
        await self._store.put_conversation(owner, changed)
        return changed

    async def delete(self, owner: str, conversation_id: str) -> None:
        """Forget a conversation and its items; responses made in it stay."""
        await self._store.delete_conversation(owner, conversation_id)

    async def items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        """Return all items of a conversation, oldest first."""
        return await self._store.list_items(owner, conversation_id)

    async def item(self, owner: str, conversation_id: str, item_id: str) -> Item:
        """Return an item of a conversation."""
        for found in await self._store.list_items(owner, conversation_id):
            if found.id == item_id:
                return found
        message = f"Item with id '{item_id}' not found."
        raise NotFoundError(message)

    async def append(
        self, owner: str, conversation_id: str, given: Sequence[InputItem]
    ) -> Sequence[Item]:
        """Add items at the end of a conversation, and return them with their ids."""
        items = await self._resolved(owner, given)
        await self._store.append_items(owner, conversation_id, items)
        return items

    async def remove(self, owner: str, conversation_id: str, item_id: str) -> Conversation:
        """Take an item out of a conversation, and return the conversation."""
        await self._store.delete_item(owner, conversation_id, item_id)
        return await self._store.get_conversation(owner, conversation_id)

    async def _resolved(self, owner: str, given: Sequence[InputItem]) -> list[Item]:
        items = await self._history.resolve(owner, given)
        return [
            item if item.id else replace(item, id=self._ids.new(PREFIXES[type(item)]))
            for item in items
        ]
