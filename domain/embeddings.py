"""Texts to vectors."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TypeAlias

from domain.chat import EngineOptions

# The components as IEEE 754 floats of 32 bits, little-endian: what OpenAI's base64 holds. As
# objects, the components of a large batch would take more time than the batch itself.
Vector: TypeAlias = bytes

COMPONENT_BYTES = 4


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """A request for one vector of each text.

    Attributes:
        texts: at least one; none is empty.
        dimensions: how many components to keep; None for all that the model has.
        engine: with ``truncate`` a text over the model's context is cut, else it is refused.
    """

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    engine: EngineOptions = EngineOptions()


@dataclass(frozen=True, slots=True)
class EmbedResult:
    """Vectors of length 1 in the order of the texts, all with as many components."""

    vectors: tuple[Vector, ...]
    prompt_tokens: int

    @property
    def components(self) -> int:
        """Return how many components a vector has; 0 without vectors."""
        return len(self.vectors[0]) // COMPONENT_BYTES if self.vectors else 0


def pack(components: list[float]) -> Vector:
    """Return a vector.

    Raises:
        OverflowError: a component does not fit into 32 bits.
    """
    return struct.pack(f"<{len(components)}f", *components)


def unpack(vector: Vector) -> tuple[float, ...]:
    """Return the components."""
    return struct.unpack(f"<{len(vector) // COMPONENT_BYTES}f", vector)


def cut(vector: Vector, dimensions: int) -> Vector:
    """Return the first ``dimensions`` components, brought back to length 1."""
    kept = unpack(vector[: dimensions * COMPONENT_BYTES])
    length = math.hypot(*kept) or 1.0
    return pack([component / length for component in kept])
