"""Claims: which value stands for a key, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.stores.sqlite.rows import Rows

# Claims that one claim forgets at most, so that none is held up for long.
_SWEEP = 32


def claim(rows: Rows, owner: str, key: str, value: str, ttl_s: int) -> str:
    """Let ``value`` stand for ``key`` unless another does; return the one that does."""
    over = "SELECT owner, key FROM claim WHERE expires <= ? ORDER BY expires LIMIT ?"
    for old in rows.connection.execute(over, (rows.now, _SWEEP)).fetchall():
        release(rows, *old)
    take = (
        "INSERT INTO claim (owner, key, value, expires) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (owner, key) DO UPDATE SET value = ?3, expires = ?4 WHERE expires <= ?5"
    )
    rows.connection.execute(take, (owner, key, value, rows.now + ttl_s, rows.now))
    read = "SELECT value FROM claim WHERE owner = ? AND key = ?"
    stands: str = rows.connection.execute(read, (owner, key)).fetchone()[0]
    return stands


def release(rows: Rows, owner: str, key: str) -> None:
    """Let nothing stand for ``key``."""
    rows.connection.execute("DELETE FROM claim WHERE owner = ? AND key = ?", (owner, key))
