"""How an answer is drawn from the model, and in what form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from domain.tools import JSONObject


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling parameters; None leaves the model's own value in place.

    Attributes:
        max_tokens: most tokens to generate, reasoning included.
        stop: texts that end the answer and are left out of it.
    """

    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextFormat:
    """Free text."""


@dataclass(frozen=True, slots=True)
class JSONObjectFormat:
    """Any one JSON object."""


@dataclass(frozen=True, slots=True)
class JSONSchemaFormat:
    """JSON that satisfies ``schema``; with ``strict``, checked before it is called a success."""

    name: str
    schema: JSONObject
    strict: bool = False


OutputFormat: TypeAlias = TextFormat | JSONObjectFormat | JSONSchemaFormat

TEXT = TextFormat()


class ReasoningEffort(StrEnum):
    """How much a model thinks before it answers."""

    NONE = "none"
    MINIMAL = "minimal"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    XHIGH = "xhigh"
    MAX = "max"
    # Thinking at the model's own level (Ollama's `think: true`).
    ON = "on"


class Verbosity(StrEnum):
    """How long an answer should be."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
