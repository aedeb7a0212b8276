"""What makes the bundled model presentable; never applied to a user's own model.

Bare, a model of 135 million parameters drifts into other languages and loops. Its own template
begins every chat with a system message, which makes that worse.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.chat import ChatRequest

# The model's own (`tokenizer.chat_template` in its file) without that message.
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

_PARAMETERS = {"repeat_penalty": 1.1}

# It often misses the end of its answer and would go on until its context is full.
_MOST_TOKENS = 1024


def apply(request: ChatRequest) -> ChatRequest:
    """Return ``request`` with the preset where the client left room for it."""
    parameters = _PARAMETERS | dict(request.engine.parameters)
    sampling = request.sampling
    if sampling.max_tokens is None:
        sampling = replace(sampling, max_tokens=_MOST_TOKENS)
    return replace(
        request,
        sampling=sampling,
        engine=replace(request.engine, parameters=parameters),
    )
