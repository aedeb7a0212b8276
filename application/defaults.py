"""What stands in for what a caller leaves out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defaults:
    """The model to ask, and its temperature; None leaves the temperature to the model.

    Attributes:
        keeps: whether responses are kept at all.
    """

    model: str
    temperature: float | None
    keeps: bool = True
