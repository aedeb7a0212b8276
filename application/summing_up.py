"""A context made short: what the model is asked, and its answer as one item."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from application.response_events import ItemAdded, ItemDone, ItemEvent
from domain.accumulate import Accumulator
from domain.errors import InvalidOutputError
from domain.items import PREFIXES, CompactionItem, Item
from domain.messages import Message, Role
from domain.sampling import TEXT
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.chat import ChatRequest
    from domain.events import ChatEvent

_TASK = (
    "Sum up this conversation so that an assistant who has not read it can go on with it. Keep "
    "what was asked and what was answered, every name, number and decision that still matters, "
    "results of tools, and what is yet to do. Write the summary only."
)
# A small model may not find an end, and what it says then is no shorter than what it read.
_LONGEST_TOKENS = 2048


def summing_up(request: ChatRequest) -> ChatRequest:
    """Return the request for a summary of the messages of ``request``."""
    return replace(
        request,
        messages=(*request.messages, Message(Role.USER, _TASK)),
        sampling=replace(request.sampling, max_tokens=_LONGEST_TOKENS),
        output=TEXT,
        tools=(),
        tool_choice=ToolChoice.NONE,
        verbosity=None,
        top_logprobs=None,
    )


class Summariser:
    """Chat events in, item events out, as ``Itemiser``: what the model says is one summary.

    Args:
        new_id: returns a new id with a prefix.
    """

    def __init__(self, new_id: Callable[[str], str]) -> None:
        self._new_id = new_id
        self._answer = Accumulator()
        self._done: tuple[Item, ...] = ()

    @property
    def items(self) -> tuple[Item, ...]:
        """The summary, once it is whole."""
        return self._done

    def feed(self, events: Sequence[ChatEvent]) -> list[ItemEvent]:
        """Return what ``events`` do to the items; nothing until the answer ends.

        Raises:
            InvalidOutputError: the model wrote nothing.
        """
        self._answer.feed(events)
        if self._answer.result is None:
            return []
        summary = self._answer.result.content
        if not summary.strip():
            message = "The model wrote no summary."
            raise InvalidOutputError(message, code="invalid_output")
        item = CompactionItem(self._new_id(PREFIXES[CompactionItem]), summary)
        self._done = (item,)
        return [ItemAdded(0, item), ItemDone(0, item)]
