"""How one answer comes about, whichever endpoint asks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from application.demands import Demanding
from application.envelope import EnvelopeOpener
from application.image_links import fetched
from application.planning import Plan, plan
from application.streaming import RewrittenStream, fold
from domain.errors import InvalidOutputError

if TYPE_CHECKING:
    from application.ports.images import ImagePort
    from application.ports.llm import ChatStream, LLMPort
    from application.ports.schema import SchemaPort
    from application.ports.system import IdPort
    from domain.chat import ChatRequest, ChatResult


class Answers:
    """Plans, opens and judges answers."""

    def __init__(
        self,
        llm: LLMPort,
        ids: IdPort,
        schemas: SchemaPort,
        images: ImagePort,
    ) -> None:
        self._llm = llm
        self._schemas = schemas
        self._images = images
        self._new_call_id = partial(ids.new, "call_")

    async def plan(self, request: ChatRequest) -> Plan:
        """Return how to get what ``request`` asks.

        Raises:
            InvalidRequestError: the model cannot do it, or a schema is not one.
            NotFoundError: no such model.
            UpstreamError: the model server failed to describe the model.
        """
        if any(message.image_count for message in request.messages):
            request = replace(request, messages=await fetched(request.messages, self._images))
        return await plan(request, self._llm, self._schemas)

    async def open(self, asked: Plan) -> ChatStream:
        """Return an answer that has begun; the caller closes it.

        Raises:
            ServiceError: as ``LLMPort.stream``.
        """
        stream = await self._llm.stream(asked.request)
        if asked.envelope is not None:
            opener = EnvelopeOpener(asked.envelope, self._new_call_id)
            stream = RewrittenStream(stream, opener.feed)
        if asked.demands:
            stream = RewrittenStream(stream, Demanding(asked.demands).feed)
        return stream

    async def whole(self, asked: Plan) -> ChatResult:
        """Return a whole answer; one that breaks the demands is asked for once more.

        Raises:
            InvalidOutputError: the second attempt broke the demands, too.
            ServiceError: as ``LLMPort.stream``.
        """
        try:
            return await fold(await self.open(asked))
        except InvalidOutputError as error:
            again = asked.again(error.message)
        return await fold(await self.open(again))
