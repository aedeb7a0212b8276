"""Answers to conversations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from application.choices import ChoiceStream, ManyChoices, OneChoice, all_of
from application.generation import Generation

if TYPE_CHECKING:
    from application.answers import Answers
    from application.planning import Plan
    from application.ports.system import ClockPort, IdPort
    from domain.chat import ChatRequest, ChatResult


class ChatService:
    """Answers chat requests, one or several times."""

    def __init__(
        self,
        answers: Answers,
        ids: IdPort,
        clock: ClockPort,
    ) -> None:
        self._answers = answers
        self._ids = ids
        self._clock = clock

    async def complete(
        self, request: ChatRequest, n: int = 1
    ) -> tuple[Generation, list[ChatResult]]:
        """Return ``n`` whole answers.

        An answer that breaks what the request demands of it is asked for once more.

        Raises:
            InvalidRequestError: the request, or the model, does not allow it.
            NotFoundError: no such model.
            InvalidOutputError: the second attempt broke the demands, too.
            UpstreamError: the model server failed.
        """
        generation = self._generation(request)
        asked = await self._answers.plan(request)
        if n == 1:
            return generation, [await self._answers.whole(asked)]
        plans = (_choice(asked, index) for index in range(n))
        return generation, await all_of(self._answers.whole(each) for each in plans)

    async def stream(self, request: ChatRequest, n: int = 1) -> tuple[Generation, ChoiceStream]:
        """Return ``n`` answers that have begun; the caller closes them.

        Raises:
            InvalidRequestError: the request, or the model, does not allow it.
            NotFoundError: no such model.
            UpstreamError: the model server failed before the first token.
        """
        generation = self._generation(request)
        asked = await self._answers.plan(request)
        if n == 1:
            return generation, OneChoice(await self._answers.open(asked))
        choices = ManyChoices([self._answers.open(_choice(asked, index)) for index in range(n)])
        await choices.prime()
        return generation, choices

    def _generation(self, request: ChatRequest) -> Generation:
        return Generation(self._ids.new("chatcmpl-"), self._clock.unix_time(), request.model)


def _choice(asked: Plan, index: int) -> Plan:
    """Give each choice a seed of its own, so that they differ and can be had again."""
    sampling = asked.request.sampling
    if sampling.seed is None or index == 0:
        return asked
    sampling = replace(sampling, seed=sampling.seed + index)
    return replace(asked, request=replace(asked.request, sampling=sampling))
