"""The domain's completions to the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from entrypoints.http.openai.completions import wire
from entrypoints.http.openai.completions.logprobs import LegacyLogprobs

if TYPE_CHECKING:
    from application.completions import Completions
    from application.generation import Generation
    from domain.chat import Usage

_encode = msgspec.json.Encoder().encode


def completion(generation: Generation, made: Completions, *, logprobs: bool) -> bytes:
    """Return the completion object, with the choices of the first prompt first."""
    choices = [
        wire.Choice(
            result.content,
            index,
            LegacyLogprobs().render(result.logprobs) if logprobs else None,
            result.finish_reason.value,
        )
        for index, result in enumerate(made.results)
    ]
    return _encode(
        wire.Completion(
            id=generation.id,
            created=generation.created,
            model=generation.model,
            choices=choices,
            usage=usage(made.usage),
        )
    )


def usage(used: Usage) -> wire.Usage:
    """Return a count of tokens with its sum."""
    total = used.prompt_tokens + used.completion_tokens
    return wire.Usage(used.prompt_tokens, used.completion_tokens, total)
