"""What a response follows, from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from domain.errors import InvalidRequestError, NotFoundError
from domain.items import CompactionItem, Item, ItemReference, size

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from domain.conversation import ResponseRequest, StoredResponse
    from domain.items import InputItem

# Each response keeps what it added; those before it are read one by one.
MOST_RESPONSES = 100
MOST_CHARACTERS = 32 * 1024 * 1024


class Past(Protocol):
    """What history is read from; the methods are those of ``ResponseStorePort``."""

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        """Return a response."""
        ...

    async def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        """Return the items with these ids."""
        ...

    async def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        """Return all items of a conversation, oldest first."""
        ...


class History:
    """Reads what was said before."""

    def __init__(self, store: Past) -> None:
        self._store = store

    async def before(self, owner: str, asked: ResponseRequest) -> list[Item]:
        """Return the items that come before the input of ``asked``, oldest first.

        Raises:
            InvalidRequestError: it follows a response that there is not, that is not finished,
                or that has too long a history.
            NotFoundError: there is no such conversation.
        """
        if asked.conversation_id is not None:
            items = list(await self._store.list_items(owner, asked.conversation_id))
            _check(sum(map(size, items)))
            return items
        return await self.up_to(owner, asked.previous_id)

    async def up_to(self, owner: str, response_id: str | None) -> list[Item]:
        """Return the items of a response and of those that it follows, oldest first.

        Raises:
            InvalidRequestError: as ``before``.
        """
        chain = await self._chain(owner, response_id)
        return [item for response in chain for item in _left(response)]

    async def resolve(self, owner: str, given: Sequence[InputItem]) -> list[Item]:
        """Return ``given`` with each reference replaced by what it names.

        Raises:
            NotFoundError: there is no such item.
        """
        ids = [item.id for item in given if isinstance(item, ItemReference)]
        found: Mapping[str, Item] = await self._store.find_items(owner, ids) if ids else {}
        items: list[Item] = []
        for item in given:
            if not isinstance(item, ItemReference):
                items.append(item)
            elif item.id in found:
                items.append(found[item.id])
            else:
                message = f"Item with id '{item.id}' not found."
                raise NotFoundError(message, param="input")
        return items

    async def _chain(self, owner: str, last_id: str | None) -> list[StoredResponse]:
        chain: list[StoredResponse] = []
        characters = 0
        next_id = last_id
        while next_id is not None:
            if len(chain) == MOST_RESPONSES:
                why = f"has more than {MOST_RESPONSES} responses before it"
                raise _too_long(why)
            response = await self._get(owner, next_id)
            chain.append(response)
            characters += sum(map(size, _left(response)))
            _check(characters)
            next_id = None if _sums_up(response) else response.previous_id
        return chain[::-1]

    async def _get(self, owner: str, response_id: str) -> StoredResponse:
        try:
            response = await self._store.get(owner, response_id)
        except NotFoundError as error:
            message = f"Previous response with id '{response_id}' not found."
            raise InvalidRequestError(
                message, code="previous_response_not_found", param="previous_response_id"
            ) from error
        if not response.status.final:
            message = f"Previous response with id '{response_id}' is not finished."
            raise InvalidRequestError(message, param="previous_response_id")
        return response


def _sums_up(response: StoredResponse) -> bool:
    return any(isinstance(item, CompactionItem) for item in response.output)


def _left(response: StoredResponse) -> Sequence[Item]:
    """Return the items of a response but for those that its output stands for."""
    return response.output if _sums_up(response) else (*response.input, *response.output)


def _check(characters: int) -> None:
    if characters > MOST_CHARACTERS:
        why = f"holds more than {MOST_CHARACTERS} characters"
        raise _too_long(why)


def _too_long(why: str) -> InvalidRequestError:
    message = f"What this response follows {why}: start anew with what matters of it."
    return InvalidRequestError(
        message, code="context_length_exceeded", param="previous_response_id"
    )
