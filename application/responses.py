"""Responses: answers made of items, that can be had again and gone on from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from application.conclude import concluded
from application.history import History
from application.itemise import replay
from application.memory import ConnectionMemory
from application.response_stream import AnsweredStream, itemiser
from application.summing_up import summing_up
from domain.chat import FinishReason, Usage
from domain.context import to_messages
from domain.conversation import ResponseStatus, StoredResponse
from domain.errors import InvalidRequestError
from domain.events import Finished
from domain.items import PREFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.answers import Answers
    from application.planning import Plan
    from application.ports.store import ResponseStorePort
    from application.ports.system import ClockPort, IdPort
    from domain.conversation import ResponseRequest
    from domain.items import Item


class ResponsesService:
    """Makes responses, and keeps those that are to be kept."""

    def __init__(
        self, answers: Answers, ids: IdPort, clock: ClockPort, store: ResponseStorePort
    ) -> None:
        self._answers = answers
        self._ids = ids
        self._clock = clock
        self._store = store
        self._history = History(store)

    def begin(self, asked: ResponseRequest) -> StoredResponse:
        """Return the response to ``asked`` as it stands before anything was done for it."""
        return StoredResponse(
            id=self._ids.new("resp_"),
            created=self._clock.unix_time(),
            model=asked.chat.model,
            status=ResponseStatus.IN_PROGRESS,
            echo=asked.echo,
            previous_id=asked.previous_id,
            conversation_id=asked.conversation_id,
            background=asked.background,
        )

    async def complete(
        self, owner: str, asked: ResponseRequest, begun: StoredResponse
    ) -> StoredResponse:
        """Return the whole response that was ``begun``.

        Raises:
            InvalidRequestError: the request, or the model, does not allow it; or it follows a
                response that there is not.
            NotFoundError: no such model, conversation or item.
            StoreError: it cannot be kept.
            UpstreamError: the model server failed.
        """
        begun, plan = await self._prepare(owner, asked, begun)
        result = await self._answers.whole(plan)
        items = itemiser(asked, partial(self._ids.part, begun.id))
        items.feed(replay(result))
        last = Finished(result.finish_reason, result.usage)
        ended = concluded(begun, items.items, last, self._clock.unix_time())
        return await self._keep(owner, asked, ended)

    async def stream(
        self,
        owner: str,
        asked: ResponseRequest,
        begun: StoredResponse,
        memory: ConnectionMemory | None = None,
    ) -> AnsweredStream:
        """Return the response that was ``begun``, under way; the caller closes it.

        It is kept before its last event is handed on: who has read that can name it.

        Args:
            owner: whose it is.
            asked: the request.
            begun: the response so far.
            memory: of the connection that asks; it remembers what is not kept.

        Raises:
            As ``complete``, before the first token.
        """
        begun, plan = await self._prepare(owner, asked, begun, memory)
        answer = await self._answers.open(plan)

        async def end(items: Sequence[Item], last: Finished) -> StoredResponse:
            ended = concluded(begun, items, last, self._clock.unix_time())
            return await self._keep(owner, asked, ended, memory)

        items = itemiser(asked, partial(self._ids.part, begun.id))
        return AnsweredStream(begun, answer, items, end)

    def memory(self) -> ConnectionMemory:
        """Return what a new connection remembers: nothing but what is kept."""
        return ConnectionMemory(self._store)

    async def warm_up(
        self, owner: str, asked: ResponseRequest, begun: StoredResponse, memory: ConnectionMemory
    ) -> StoredResponse:
        """Return the response that was ``begun``, whole and without output.

        Nothing is generated; what comes later on the connection can go on from its input, which
        may be empty.

        Raises:
            As ``complete``, where that fails before the model is asked.
        """
        begun, _ = await self._prepare(owner, asked, begun, memory, may_be_empty=True)
        nothing = Finished(FinishReason.STOP, Usage())
        ended = concluded(begun, (), nothing, self._clock.unix_time())
        return await self._keep(owner, asked, ended, memory)

    async def prepare(
        self, owner: str, asked: ResponseRequest, begun: StoredResponse
    ) -> tuple[StoredResponse, Plan]:
        """Return the response that was ``begun`` with its input, and how it is to be answered.

        For what works on answers in other ways: in the background, counting, compacting.

        Raises:
            As ``complete``, where that fails before the model is asked.
        """
        return await self._prepare(owner, asked, begun)

    async def extend(self, owner: str, response: StoredResponse) -> None:
        """Add a response's items to the conversation that it is part of, if there is one.

        Raises:
            NotFoundError: the conversation is gone.
        """
        if response.conversation_id is not None:
            items = (*response.input, *response.output)
            await self._store.append_items(owner, response.conversation_id, items)

    async def _prepare(
        self,
        owner: str,
        asked: ResponseRequest,
        begun: StoredResponse,
        memory: ConnectionMemory | None = None,
        *,
        may_be_empty: bool = False,
    ) -> tuple[StoredResponse, Plan]:
        history = self._history if memory is None else History(memory)
        before = await history.before(owner, asked)
        given = [self._with_id(begun, item) for item in await history.resolve(owner, asked.input)]
        if not (before or given or may_be_empty):
            message = "Invalid 'input': empty array. Expected at least one entry."
            raise InvalidRequestError(message, code="empty_array", param="input")
        messages = (*asked.chat.messages, *to_messages([*before, *given]))
        chat = replace(asked.chat, messages=messages)
        plan = await self._answers.plan(summing_up(chat) if asked.compacts else chat)
        return replace(begun, input=tuple(given)), plan

    def _with_id(self, begun: StoredResponse, item: Item) -> Item:
        if item.id:
            return item
        return replace(item, id=self._ids.part(begun.id, PREFIXES[type(item)]))

    async def _keep(
        self,
        owner: str,
        asked: ResponseRequest,
        response: StoredResponse,
        memory: ConnectionMemory | None = None,
    ) -> StoredResponse:
        if asked.store:
            await self._store.put(owner, response)
        elif memory is not None:
            memory.remember(response)
        await self.extend(owner, response)
        return response
