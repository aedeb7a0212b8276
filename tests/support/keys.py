"""Keys of a team, in a file, and who asks with them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Whatever shows this word shows a key.
MARK = "zebra"


def key_of(name: str) -> str:
    """Return a key that belongs to ``name`` in tests."""
    return f"{MARK}-key-of-{name}-0123456789"


def line(name: str, options: str = "") -> str:
    """Return the line of a key with its name, as the command line writes it."""
    return f"sha256:{hashlib.sha256(key_of(name).encode()).hexdigest()} name={name} {options}\n"


def bearer(name: str) -> dict[str, str]:
    """Return the header that ``name`` asks with."""
    return {"authorization": f"Bearer {key_of(name)}"}


def write(folder: Path, *lines: str) -> Path:
    """Return a file of these lines that nobody else may read."""
    path = folder / "keys"
    path.write_text("".join(lines))
    path.chmod(0o600)
    return path
