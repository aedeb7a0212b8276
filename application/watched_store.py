"""A store whose operations are counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from time import perf_counter
from typing import TYPE_CHECKING, TypeVar

from application.figures import Distribution
from domain.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Mapping, Sequence

    from application.ports.store import ResponseStorePort
    from domain.conversation import Conversation, ResponseStatus, StoredResponse
    from domain.items import Item

T = TypeVar("T")

# A write to a file waits for the disk: about 0.2 ms on a fast one, 10 ms on a slow one.
_BOUNDS_S = (0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class StoreFigures:
    """What was asked of the store.

    Attributes:
        durations: seconds by operation, failures included.
        failures: by operation and the error's code; what is missing is no failure.
    """

    def __init__(self) -> None:
        self.durations: defaultdict[str, Distribution] = defaultdict(
            lambda: Distribution(_BOUNDS_S)
        )
        self.failures: Counter[tuple[str, str]] = Counter()


class WatchedStore:
    """Passes everything on to ``store`` and counts it in ``figures``."""

    def __init__(self, store: ResponseStorePort, figures: StoreFigures) -> None:
        self._store = store
        self._figures = figures

    async def put(self, owner: str, response: StoredResponse) -> None:
        await self._timed("put", self._store.put(owner, response))

    async def advance(
        self, owner: str, response: StoredResponse, records: Sequence[bytes] = ()
    ) -> StoredResponse:
        return await self._timed("advance", self._store.advance(owner, response, records))

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        return await self._timed("get", self._store.get(owner, response_id))

    async def delete(self, owner: str, response_id: str) -> None:
        await self._timed("delete", self._store.delete(owner, response_id))

    async def find_items(self, owner: str, item_ids: Collection[str]) -> Mapping[str, Item]:
        return await self._timed("find_items", self._store.find_items(owner, item_ids))

    async def append_records(
        self, owner: str, response_id: str, records: Sequence[bytes]
    ) -> ResponseStatus:
        adding = self._store.append_records(owner, response_id, records)
        return await self._timed("append_records", adding)

    async def read_records(
        self, owner: str, response_id: str, start: int = 0
    ) -> tuple[ResponseStatus, Sequence[bytes]]:
        reading = self._store.read_records(owner, response_id, start)
        return await self._timed("read_records", reading)

    async def put_conversation(self, owner: str, conversation: Conversation) -> None:
        putting = self._store.put_conversation(owner, conversation)
        await self._timed("put_conversation", putting)

    async def get_conversation(self, owner: str, conversation_id: str) -> Conversation:
        getting = self._store.get_conversation(owner, conversation_id)
        return await self._timed("get_conversation", getting)

    async def delete_conversation(self, owner: str, conversation_id: str) -> None:
        deleting = self._store.delete_conversation(owner, conversation_id)
        await self._timed("delete_conversation", deleting)

    async def append_items(self, owner: str, conversation_id: str, items: Sequence[Item]) -> None:
        adding = self._store.append_items(owner, conversation_id, items)
        await self._timed("append_items", adding)

    async def list_items(self, owner: str, conversation_id: str) -> Sequence[Item]:
        return await self._timed("list_items", self._store.list_items(owner, conversation_id))

    async def delete_item(self, owner: str, conversation_id: str, item_id: str) -> None:
        deleting = self._store.delete_item(owner, conversation_id, item_id)
        await self._timed("delete_item", deleting)

    async def claim(self, owner: str, key: str, value: str, ttl_s: int) -> str:
        return await self._timed("claim", self._store.claim(owner, key, value, ttl_s))

    async def release(self, owner: str, key: str) -> None:
        await self._timed("release", self._store.release(owner, key))

    async def _timed(self, operation: str, asked: Awaitable[T]) -> T:
        began = perf_counter()
        try:
            return await asked
        except StoreError as error:
            self._figures.failures[operation, error.code or "store_error"] += 1
            raise
        finally:
            self._figures.durations[operation].add(perf_counter() - began)
