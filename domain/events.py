"""What happens while an answer is generated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from domain.chat import FinishReason, TokenLogprob, Usage


# One is built for every token. Not frozen: that alone costs 0.2 of 0.33 microseconds each, a
# twentieth of a short answer (decision 0007).
@dataclass(slots=True)
class TextDelta:
    """More answer text, exactly as generated; empty only where it brings log probabilities."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(slots=True)
class TextRun:
    """Pieces of text that arrived together, each as a ``TextDelta`` of its own would have it.

    Under load most tokens come so; an object for each is a tenth of a short answer's cost.
    """

    pieces: list[str]


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """More of the model's thinking; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """More of a tool call.

    Calls come one after another, numbered from 0 without a gap. ``id`` and ``name`` are set
    on the first delta of a call and None on the rest; ``arguments`` is a piece of JSON text,
    perhaps empty, and the pieces of one call together are a JSON object.
    """

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last event of every stream that did not fail."""

    reason: FinishReason
    usage: Usage


ChatEvent: TypeAlias = TextDelta | TextRun | ReasoningDelta | ToolCallDelta | Finished
