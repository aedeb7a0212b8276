"""JSON that several engines have in common."""

from __future__ import annotations

from msgspec import Struct


class Logprob(Struct):
    """A token that might have been drawn; ``bytes`` are absent for empty text."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(Logprob):
    """A drawn token with its alternatives."""

    top_logprobs: list[Logprob] | None = None
