"""What a context costs, and a context made short."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from application.demands import Demands
from application.planning import Plan
from application.streaming import fold

if TYPE_CHECKING:
    from application.answers import Answers
    from application.responses import ResponsesService
    from domain.conversation import ResponseRequest, StoredResponse


class ContextService:
    """Measures contexts and makes them short."""

    def __init__(self, responses: ResponsesService, answers: Answers) -> None:
        self._responses = responses
        self._answers = answers

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

    async def compact(self, owner: str, asked: ResponseRequest) -> StoredResponse:
        """Return a response whose output, one item, stands for the whole context of ``asked``.

        Raises:
            InvalidOutputError: the model wrote nothing.
            ServiceError: as ``ResponsesService.complete``.
        """
        asked = replace(asked, compacts=True)
        return await self._responses.complete(owner, asked, self._responses.begin(asked))
