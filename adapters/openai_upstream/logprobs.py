"""Log probabilities in either of OpenAI's forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.engines import decoding
from domain.chat import TokenLogprob, TopLogprob

if TYPE_CHECKING:
    from adapters.openai_upstream import wire

# What stands for bytes that are no text.
_NO_TEXT = "\ufffd"


def tokens(given: wire.Logprobs | None, top: int) -> tuple[TokenLogprob, ...]:
    """Return the drawn tokens, each with its ``top`` likeliest alternatives."""
    if given is None:
        return ()
    if given.content is not None:
        return tuple(decoding.logprob(entry, top) for entry in given.content)
    drawn = zip(given.tokens or (), given.token_logprobs or (), strict=False)
    others = given.top_logprobs or []
    return tuple(
        # Only the first token of an echoed prompt has no probability; none is echoed here.
        TokenLogprob(token, logprob or 0.0, _encoded(token), _likeliest(others, place, top))
        for place, (token, logprob) in enumerate(drawn)
    )


def _likeliest(
    others: list[dict[str, float] | None], place: int, top: int
) -> tuple[TopLogprob, ...]:
    entries = (others[place] if place < len(others) else None) or {}
    ordered = sorted(entries.items(), key=lambda entry: entry[1], reverse=True)[:top]
    return tuple(TopLogprob(token, logprob, _encoded(token)) for token, logprob in ordered)


def _encoded(token: str) -> bytes | None:
    return None if _NO_TEXT in token else token.encode()
