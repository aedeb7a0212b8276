"""Builds what keeps responses, and says how much room it has."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from application.ports.store import ResponseStorePort

if TYPE_CHECKING:
    from adapters.stores.room import Room
    from entrypoints.settings import Settings

_DAY_S = 24 * 3600


class Store(ResponseStorePort, Protocol):
    """A store that holds a file or connections."""

    async def aclose(self) -> None:
        """Let go of them; a second time does nothing."""
        ...


def valkey(url: str, room: Room) -> Store:
    """Return a store on a Redis or Valkey server."""
    # The client's package is large: loaded only where it is used.
    from adapters.stores.valkey.store import ValkeyStore  # noqa: PLC0415 - see above

    return ValkeyStore(url, room)


def room(settings: Settings, usual: Room) -> Room:
    """Return how much a store may keep and for how long, where it ``usual``ly keeps that."""
    ttl_s = settings.response_ttl_days * _DAY_S
    limit_bytes = settings.response_store_bytes or usual.limit_bytes
    return replace(usual, ttl_s=ttl_s, limit_bytes=limit_bytes)
