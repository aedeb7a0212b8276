"""What is known of a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """Something that a model can do."""

    COMPLETION = "completion"
    TOOLS = "tools"
    VISION = "vision"
    THINKING = "thinking"
    EMBEDDING = "embedding"
    INSERT = "insert"


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """An entry of the list of models; ``created`` in whole Unix seconds."""

    name: str
    created: int


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """What a model can do.

    Attributes:
        capabilities: None where the server does not say.
        emulate_tools: calls may be emulated through constrained output where the model was
            not trained to make them.
        context_length: most tokens of prompt and answer together, where known.
    """

    name: str
    capabilities: frozenset[Capability] | None = None
    emulate_tools: bool = False
    context_length: int | None = None

    def lacks(self, capability: Capability) -> bool:
        """Whether the model is known not to have ``capability``."""
        return self.capabilities is not None and capability not in self.capabilities
