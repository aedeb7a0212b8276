"""Answers to conversations."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from application.choices import ChoiceStream, ManyChoices, OneChoice, all_of
from application.demands import DemandingStream
from application.envelope import EnvelopeStream
from application.generation import Generation
from application.planning import Plan, plan
from application.streaming import Limits, open_stream
from domain.accumulate import Accumulator
from domain.errors import InvalidOutputError, UpstreamProtocolError

if TYPE_CHECKING:
    from application.ports.llm import ChatStream, LLMPort
    from application.ports.schema import SchemaPort
    from application.ports.system import ClockPort, IdPort
    from domain.chat import ChatRequest, ChatResult


class ChatService:
    """Answers chat requests, one or several times."""

    def __init__(
        self,
        llm: LLMPort,
        ids: IdPort,
        clock: ClockPort,
        schemas: SchemaPort,
        limits: Limits,
    ) -> None:
        self._llm = llm
        self._ids = ids
        self._clock = clock
        self._schemas = schemas
        self._limits = limits
        self._new_call_id = partial(ids.new, "call_")

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
        asked = await plan(request, self._llm, self._schemas)
        if n == 1:
            return generation, [await self._answer(asked)]
        plans = (_choice(asked, index) for index in range(n))
        return generation, await all_of(self._answer(each) for each in plans)

    async def stream(self, request: ChatRequest, n: int = 1) -> tuple[Generation, ChoiceStream]:
        """Return ``n`` answers that have begun; the caller closes them.

        Raises:
            InvalidRequestError: the request, or the model, does not allow it.
            NotFoundError: no such model.
            UpstreamError: the model server failed before the first token.
        """
        generation = self._generation(request)
        asked = await plan(request, self._llm, self._schemas)
        if n == 1:
            return generation, OneChoice(await self._open(asked))
        choices = ManyChoices([self._open(_choice(asked, index)) for index in range(n)])
        await choices.prime()
        return generation, choices

    def _generation(self, request: ChatRequest) -> Generation:
        return Generation(self._ids.new("chatcmpl-"), self._clock.unix_time(), request.model)

    async def _open(self, asked: Plan) -> ChatStream:
        stream: ChatStream = await open_stream(self._llm, asked.request, self._limits)
        if asked.envelope is not None:
            stream = EnvelopeStream(stream, asked.envelope, self._new_call_id)
        if asked.demands:
            stream = DemandingStream(stream, asked.demands)
        return stream

    async def _answer(self, asked: Plan) -> ChatResult:
        try:
            return await _fold(await self._open(asked))
        except InvalidOutputError as error:
            again = asked.again(error.message)
        return await _fold(await self._open(again))


def _choice(asked: Plan, index: int) -> Plan:
    """Give each choice a seed of its own, so that they differ and can be had again."""
    sampling = asked.request.sampling
    if sampling.seed is None or index == 0:
        return asked
    sampling = replace(sampling, seed=sampling.seed + index)
    return replace(asked, request=replace(asked.request, sampling=sampling))


async def _fold(stream: ChatStream) -> ChatResult:
    answer = Accumulator()
    try:
        async for batch in stream:
            answer.feed(batch)
    finally:
        await stream.aclose()
    if answer.result is None:
        message = "The model server ended its answer before it was complete."
        raise UpstreamProtocolError(message, code="upstream_truncated")
    return answer.result
