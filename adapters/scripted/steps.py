"""What a stream plays, and who writes it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from domain.errors import ServiceError
from domain.events import ChatEvent

if TYPE_CHECKING:
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.models import ModelDetails, ModelSummary

NEVER_S = math.inf


@dataclass(frozen=True, slots=True)
class Step:
    """A batch of events or a failure, ``after_s`` seconds later than the step before."""

    what: Sequence[ChatEvent] | ServiceError
    after_s: float = 0.0


Steps: TypeAlias = Sequence[Step]


class Source(Protocol):
    """Where answers come from. Its models are those that can be asked."""

    @property
    def models(self) -> Mapping[str, tuple[ModelSummary, ModelDetails]]:
        """The models by name, newest first."""
        ...

    def chat(self, request: ChatRequest) -> Steps:
        """Return the answer to a conversation.

        Raises:
            ServiceError: there is none.
        """
        ...

    def completion(self, request: CompletionRequest) -> Steps:
        """Return what follows a bare prompt.

        Raises:
            ServiceError: nothing does.
        """
        ...

    def vectors(self, request: EmbedRequest) -> EmbedResult:
        """Return the vectors of texts.

        Raises:
            ServiceError: there are none.
        """
        ...
