"""What identifies one answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer: its id, when it was begun (Unix seconds), and the model by the caller's name."""

    id: str
    created: int
    model: str
