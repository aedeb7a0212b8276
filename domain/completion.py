"""A bare prompt to go on with."""

from __future__ import annotations

from dataclasses import dataclass

from domain.chat import EngineOptions
from domain.sampling import Sampling

# What OpenAI's API takes a missing prompt for: the model begins a new document.
NEW_DOCUMENT = "<|endoftext|>"


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A request for text that follows ``prompt``, which no chat template touches.

    Attributes:
        prompt: what to go on with; servers are never asked with an empty one.
        suffix: text that the completion leads up to; the model's own marks or template place it.
        sampling: a limit of tokens is always set. Servers are asked for 1 at least: some take 0
            for no limit.
        top_logprobs: None for no log probabilities, else the count of alternatives (0 to 20).
    """

    model: str
    prompt: str
    suffix: str | None = None
    sampling: Sampling = Sampling()
    top_logprobs: int | None = None
    engine: EngineOptions = EngineOptions()


@dataclass(frozen=True, slots=True)
class Choices:
    """How the completions of each prompt are made.

    Attributes:
        n: how many are wanted.
        best_of: how many are drawn; the ``n`` likeliest are kept. Never less than ``n``.
        echo: each begins with its prompt.
    """

    n: int = 1
    best_of: int = 1
    echo: bool = False
