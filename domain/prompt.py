"""From what a client sent to the messages that a model is asked with.

Chat templates differ in what they take. Many lose a ``developer`` message, many refuse a
``system`` message anywhere but in front, and some refuse two. What all of them take is one
system message, first; so all system and developer texts are merged there, in their order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.messages import Message, Role
from domain.sampling import Verbosity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_SYSTEM_ROLES = frozenset({Role.SYSTEM, Role.DEVELOPER})

_VERBOSITY_RULES = {
    Verbosity.LOW: "Answer as briefly as the question allows, with no preamble.",
    Verbosity.HIGH: "Answer at length, with explanations and examples.",
}


def build(
    messages: Sequence[Message],
    *,
    verbosity: Verbosity | None = None,
    rules: Iterable[str] = (),
) -> tuple[Message, ...]:
    """Return the messages to ask a model with.

    Args:
        messages: a conversation in its order.
        verbosity: how long the answer should be; medium changes nothing.
        rules: more texts for the end of the system message, in order.

    Returns:
        At most one system message, first; then the other turns in their order, each tool
        result with its tool's name where an earlier turn tells it.
    """
    texts = [message.text for message in messages if message.role in _SYSTEM_ROLES]
    if verbosity is not None and verbosity in _VERBOSITY_RULES:
        texts.append(_VERBOSITY_RULES[verbosity])
    texts += rules
    turns = _with_tool_names(m for m in messages if m.role not in _SYSTEM_ROLES)
    system = "\n\n".join(text for text in texts if text)
    return (Message(Role.SYSTEM, system), *turns) if system else tuple(turns)


def _with_tool_names(messages: Iterable[Message]) -> list[Message]:
    """Name the tool of each result by the latest earlier call with its id."""
    names: dict[str, str] = {}
    turns: list[Message] = []
    for message in messages:
        names.update((call.id, call.name) for call in message.tool_calls)
        if message.role is Role.TOOL and message.tool_name is None:
            name = names.get(message.tool_call_id or "")
            turns.append(replace(message, tool_name=name))
        else:
            turns.append(message)
    return turns


def json_rule(schema_text: str | None) -> str:
    """Return the instruction that goes with JSON output; constrained models need it, too.

    A model that is held to JSON but not told so may write white space without end, and one
    that does not see the schema fills it with chance.
    """
    if schema_text is None:
        return "Answer with one JSON object and nothing else."
    return f"Answer with JSON that satisfies this JSON Schema, and nothing else:\n{schema_text}"
