"""What makes the bundled model presentable; never applied to a user's own model.

Bare, a model of 135 million parameters drifts into other languages and loops.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.messages import Message, Role

if TYPE_CHECKING:
    from domain.chat import ChatRequest

_SYSTEM = Message(Role.SYSTEM, "You are a helpful assistant.")

_PARAMETERS = {"repeat_penalty": 1.1}

# It often misses the end of its answer and would go on until its context is full.
_MOST_TOKENS = 1024


def apply(request: ChatRequest) -> ChatRequest:
    """Return ``request`` with the preset where the client left room for it."""
    parameters = _PARAMETERS | dict(request.engine.parameters)
    messages = request.messages
    if not messages or messages[0].role is not Role.SYSTEM:
        messages = (_SYSTEM, *messages)
    sampling = request.sampling
    if sampling.max_tokens is None:
        sampling = replace(sampling, max_tokens=_MOST_TOKENS)
    return replace(
        request,
        messages=messages,
        sampling=sampling,
        engine=replace(request.engine, parameters=parameters),
    )
