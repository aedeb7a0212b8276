"""How much a store keeps, and how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """How much a store keeps, and how long.

    Attributes:
        entries: most responses and conversations.
        limit_bytes: most bytes of them together, their records and items included.
        ttl_s: seconds after its last write that one is forgotten.
    """

    entries: int = 10_000
    limit_bytes: int = 256 * 1024 * 1024
    ttl_s: int = 30 * 24 * 3600


IN_MEMORY = Room()
ON_DISK = Room(entries=1_000_000, limit_bytes=2 * 1024**3)
ON_SERVER = Room(entries=1_000_000)
