"""What one request took, for whoever tells of it when it is over."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter


class Work:
    """What was asked of models for one request; of several answers, all together.

    Attributes:
        began: when the request came, on the clock of ``perf_counter``.
        key: what people call the key that it came with; None for none, or one without a name.
        operation: what was asked of a model: ``chat``, ``text_completion`` or ``embeddings``.
        model: the model by its one spelling; empty where none was asked.
        queue_s: the longest wait for a place.
        first_token_s: from the request to the first token of any answer; None for no token.
        tokens_in: tokens of the prompts of answers that are complete.
        tokens_out: tokens of these answers.
        outcome: ``ok``, ``client_left``, or the code of the error.
    """

    __slots__ = (
        "began", "first_token_s", "key", "model", "operation", "outcome", "queue_s",
        "tokens_in", "tokens_out",
    )  # fmt: skip

    def __init__(self) -> None:
        self.began = perf_counter()
        self.key: str | None = None
        self.operation = ""
        self.model = ""
        self.queue_s = 0.0
        self.first_token_s: float | None = None
        self.tokens_in = 0
        self.tokens_out = 0
        self.outcome = "ok"

    def add_to(self, told: dict[str, object]) -> None:
        """Add what there is to tell; of models nothing where none was asked."""
        if self.key is not None:
            told["key"] = self.key
        if not self.model:
            return
        told["model"] = self.model
        told["tokens_in"] = self.tokens_in
        told["tokens_out"] = self.tokens_out
        told["queue_ms"] = round(self.queue_s * 1000, 1)
        if self.first_token_s is not None:
            told["first_token_ms"] = round(self.first_token_s * 1000, 1)


# The work at hand; tasks begun since add to it.
WORK: ContextVar[Work | None] = ContextVar("work", default=None)
