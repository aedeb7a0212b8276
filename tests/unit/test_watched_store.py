"""A store's operations pass and are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.stores.memory import MemoryStore
from application.watched_store import StoreFigures, WatchedStore
from domain.errors import NotFoundError, StoreError
from tests.support.fake_system import FixedClock

if TYPE_CHECKING:
    from domain.conversation import StoredResponse


class FullStore(MemoryStore):
    """Has no room."""

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        message = f"There is no room for {response_id} of {owner}."
        raise StoreError(message, code="store_full")


async def test_failures_are_counted_by_their_kind() -> None:
    figures = StoreFigures()
    with pytest.raises(StoreError):
        await WatchedStore(FullStore(FixedClock()), figures).get("me", "resp_1")

    assert figures.failures == {("get", "store_full"): 1}
    assert sum(figures.durations["get"].counts) == 1


async def test_what_is_missing_is_no_failure() -> None:
    figures = StoreFigures()
    with pytest.raises(NotFoundError):
        await WatchedStore(MemoryStore(FixedClock()), figures).get("me", "resp_1")

    assert figures.failures == {}
    assert sum(figures.durations["get"].counts) == 1
