"""The port to where responses and conversations are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from domain.conversation import Conversation, ResponseStatus, StoredResponse
    from domain.items import Item


class ResponseStorePort(Protocol):
    """Keeps responses, the records of their streams, conversations, and claims.

    Everything belongs to an ``owner`` and is found under that owner only: what another owner
    has is missing, in no way different from what never was. Ids are made by this service and
    unique for each owner; an item's id may stand in several responses and conversations.

    What is kept is forgotten after a time that the implementation was given, counted from the
    latest write to it, and earlier where room runs out: then what was written longest ago goes
    first. What is forgotten is missing everywhere, with all that hangs on it.

    A method that writes returns once the write will survive whatever the implementation
    survives. Calls may overlap, from several processes where the medium allows that, and each
    is atomic. Every method may raise ``StoreError``: the medium failed, or holds what cannot be
    read, or the value is larger than all the room there is. Nothing was changed then.
    """

    async def put(self, owner: str, response: StoredResponse) -> None:
        """Keep a new response; one that has its id already is replaced, whatever its status.

        The records of the one replaced are forgotten. The new one's items can be found by their
        ids from now on (``find_items``).
        """
        ...

    async def advance(
        self, owner: str, response: StoredResponse, records: Sequence[bytes] = ()
    ) -> StoredResponse:
        """Replace a kept response that is not final; return the one that stands afterwards.

        ``records`` are added to those of its stream in the same step. Where the kept one is
        final already nothing changes and it is returned: of an end and a cancellation at the
        same time, the first one counts.

        Raises:
            NotFoundError: there is none with this id (any more).
        """
        ...

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        """Return a response as it was last written; equal to it in every field.

        Raises:
            NotFoundError: there is none.
        """
        ...

    async def delete(self, owner: str, response_id: str) -> None:
        """Forget a response, its items and its records. Those that follow it stay.

        Raises:
            NotFoundError: there is none.
        """
        ...

    async def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        """Return the items with these ids from responses (input and output) and conversations.

        Ids that are missing are missing from the answer. Where an id stands in several places
        that are still kept, the one written last counts.
        """
        ...

    async def append_records(
        self, owner: str, response_id: str, records: Sequence[bytes]
    ) -> ResponseStatus:
        """Add to the records of a response's stream; return the response's status.

        Records are opaque and numbered from 0 in their order; one response has one writer.
        Where the response is final nothing is added; the answer so tells the writer that
        someone cancelled it meanwhile.

        Raises:
            NotFoundError: there is no such response (any more).
        """
        ...

    async def read_records(
        self, owner: str, response_id: str, start: int = 0
    ) -> tuple[ResponseStatus, Sequence[bytes]]:
        """Return a response's status, and its stream's records from number ``start`` on.

        Both are as of one moment: where the response is final, there will be no more
        records than these.

        Raises:
            NotFoundError: there is no such response.
        """
        ...

    async def put_conversation(self, owner: str, conversation: Conversation) -> None:
        """Keep a new conversation, or replace what is known of one; its items stay."""
        ...

    async def get_conversation(self, owner: str, conversation_id: str) -> Conversation:
        """Return a conversation.

        Raises:
            NotFoundError: there is none.
        """
        ...

    async def delete_conversation(self, owner: str, conversation_id: str) -> None:
        """Forget a conversation and its items; responses made in it stay.

        Raises:
            NotFoundError: there is none.
        """
        ...

    async def append_items(self, owner: str, conversation_id: str, items: Sequence[Item]) -> None:
        """Add items at the end of a conversation; one whose id is there already is replaced.

        A replaced item keeps its place.

        Raises:
            NotFoundError: there is no such conversation.
        """
        ...

    async def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        """Return all items of a conversation, oldest first.

        Raises:
            NotFoundError: there is no such conversation.
        """
        ...

    async def delete_item(self, owner: str, conversation_id: str, item_id: str) -> None:
        """Take an item out of a conversation.

        Raises:
            NotFoundError: there is no such conversation, or no such item in it.
        """
        ...

    async def claim(self, owner: str, key: str, value: str, ttl_s: int) -> str:
        """Remember ``value`` for ``key``, unless a value is remembered; return the one that is.

        Of several claims at once one wins, and all return its value. It is remembered for
        ``ttl_s`` seconds, however long everything else is kept.
        """
        ...

    async def release(self, owner: str, key: str) -> None:
        """Forget the claim on ``key``; does nothing where there is none."""
        ...
