"""What is known of a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

_LATEST = ":latest"
_NAMESPACE = "library"


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
    """An entry of the list of models.

    Attributes:
        created: whole Unix seconds.
        quantization: how its weights are stored (``Q4_K_M``), where known.
        parameter_size: how many weights it has (``8.2B``), where known.
        loaded: whether it is in memory; None where the server does not say.
        alias_of: the model that this name stands for, if it is not one itself.
        context_length: what a request that names no other gets; None where that is not known.
    """

    name: str
    created: int
    quantization: str | None = None
    parameter_size: str | None = None
    loaded: bool | None = None
    alias_of: str | None = None
    context_length: int | None = None


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """What a model can do.

    Attributes:
        capabilities: None where the server does not say.
        emulate_tools: calls may be emulated through constrained output where the model was
            not trained to make them.
        context_length: most tokens of prompt and answer together that the model can have.
        embedding_length: components of its vectors, where known.
    """

    name: str
    capabilities: frozenset[Capability] | None = None
    emulate_tools: bool = False
    context_length: int | None = None
    embedding_length: int | None = None

    def has(self, capability: Capability) -> bool:
        """Whether the model is known to have ``capability``."""
        return self.capabilities is not None and capability in self.capabilities

    def lacks(self, capability: Capability) -> bool:
        """Whether the model is known not to have ``capability``."""
        return self.capabilities is not None and capability not in self.capabilities


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far the fetching of a model is.

    Attributes:
        step: what is being done, in the server's words.
        part: the name of the part that is being fetched, if one is.
        total_bytes: the part's size; 0 where it is not known.
        completed_bytes: what of it is there.
    """

    step: str
    part: str | None = None
    total_bytes: int = 0
    completed_bytes: int = 0


def canonical(name: str) -> str:
    """Return the one spelling of all names that mean the same model.

    A name without a tag means its ``latest``, and one without a namespace is in ``library``;
    case does not matter (Ollama `types/model/name.go`).
    """
    place, _, last = name.rpartition("/")
    tagged = last if ":" in last else f"{last}{_LATEST}"
    full = tagged if place in ("", _NAMESPACE) else f"{place}/{tagged}"
    return full.casefold()


def owner(name: str) -> str:
    """Return the namespace of a model's name."""
    place = name.rpartition("/")[0]
    return place.rpartition("/")[2] or _NAMESPACE
