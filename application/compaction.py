"""What a context costs, and a context made short."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from application.demands import Demands
from application.planning import Plan
from application.streaming import fold
from domain.chat import Usage
from domain.errors import InvalidOutputError
from domain.items import PREFIXES, CompactionItem
from domain.messages import Message, Role
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from application.answers import Answers
    from application.ports.system import ClockPort, IdPort
    from application.responses import ResponsesService
    from domain.chat import ChatRequest
    from domain.conversation import ResponseRequest

_TASK = (
    "Sum up this conversation so that an assistant who has not read it can go on with it. Keep "
    "what was asked and what was answered, every name, number and decision that still matters, "
    "results of tools, and what is yet to do. Write the summary only."
)
# A small model may not find an end, and what it says then is no shorter than what it read.
_LONGEST_TOKENS = 2048


@dataclass(frozen=True, slots=True)
class Compacted:
    """A context in one item.

    Attributes:
        id: begins with ``resp_``.
        created: when, in whole Unix seconds.
    """

    id: str
    created: int
    item: CompactionItem
    usage: Usage


class ContextService:
    """Measures contexts and makes them short."""

    def __init__(
        self, responses: ResponsesService, answers: Answers, ids: IdPort, clock: ClockPort
    ) -> None:
        self._responses = responses
        self._answers = answers
        self._ids = ids
        self._clock = clock

    async def count(self, owner: str, asked: ResponseRequest) -> int:
        """Return the tokens of what the model would read, as the model server counts them.

        It is asked for one token: there is no other way to know what a model's template adds.

        Raises:
            ServiceError: as ``ResponsesService.complete``.
        """
        _, plan = await self._responses.prepare(owner, asked, self._responses.begin(asked))
        sampling = replace(plan.request.sampling, max_tokens=1)
        # One token breaks every form, and is not looked at.
        bare = Plan(
            replace(plan.request, sampling=sampling), None, Demands(None, {}, one_call=False)
        )
        return (await fold(await self._answers.open(bare))).usage.prompt_tokens

    async def compact(self, owner: str, asked: ResponseRequest) -> Compacted:
        """Return an item that stands for the whole context of ``asked``.

        Raises:
            InvalidOutputError: the model wrote nothing.
            ServiceError: as ``ResponsesService.complete``.
        """
        begun = self._responses.begin(asked)
        _, plan = await self._responses.prepare(owner, asked, begun)
        result = await self._answers.whole(replace(plan, request=_summing_up(plan.request)))
        if not result.content.strip():
            message = "The model wrote no summary."
            raise InvalidOutputError(message, code="invalid_output")
        item = CompactionItem(self._ids.new(PREFIXES[CompactionItem]), result.content)
        return Compacted(begun.id, begun.created, item, result.usage)


def _summing_up(request: ChatRequest) -> ChatRequest:
    messages = (*request.messages, Message(Role.USER, _TASK))
    sampling = replace(request.sampling, max_tokens=_LONGEST_TOKENS)
    return replace(request, messages=messages, sampling=sampling, tool_choice=ToolChoice.NONE)
