"""Responses: answers made of items, that can be had again and gone on from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from application.history import History
from application.itemise import Itemiser, replay
from application.response_stream import AnsweredStream
from domain.chat import FinishReason
from domain.context import to_messages
from domain.conversation import ResponseStatus, Shortfall, StoredResponse
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
        items = Itemiser(self._ids.new, asked.custom)
        items.feed(replay(result))
        last = Finished(result.finish_reason, result.usage)
        return await self._keep(owner, asked, _ended(begun, items.items, last))

    async def stream(
        self, owner: str, asked: ResponseRequest, begun: StoredResponse
    ) -> AnsweredStream:
        """Return the response that was ``begun``, under way; the caller closes it.

        It is kept before its last event is handed on: who has read that can name it.

        Raises:
            As ``complete``, before the first token.
        """
        begun, plan = await self._prepare(owner, asked, begun)
        answer = await self._answers.open(plan)

        async def end(items: Sequence[Item], last: Finished) -> StoredResponse:
            return await self._keep(owner, asked, _ended(begun, items, last))

        return AnsweredStream(begun, answer, Itemiser(self._ids.new, asked.custom), end)

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        """Return a kept response.

        Raises:
            NotFoundError: there is none.
        """
        return await self._store.get(owner, response_id)

    async def delete(self, owner: str, response_id: str) -> None:
        """Forget a kept response; those that follow it cannot be gone on from any more.

        Raises:
            NotFoundError: there is none.
        """
        await self._store.delete(owner, response_id)

    async def _prepare(
        self, owner: str, asked: ResponseRequest, begun: StoredResponse
    ) -> tuple[StoredResponse, Plan]:
        before = await self._history.before(owner, asked)
        given = [self._with_id(item) for item in await self._history.resolve(owner, asked.input)]
        if not before and not given:
            message = "Invalid 'input': empty array. Expected at least one entry."
            raise InvalidRequestError(message, code="empty_array", param="input")
        messages = (*asked.chat.messages, *to_messages([*before, *given]))
        plan = await self._answers.plan(replace(asked.chat, messages=messages))
        return replace(begun, input=tuple(given)), plan

    def _with_id(self, item: Item) -> Item:
        return item if item.id else replace(item, id=self._ids.new(PREFIXES[type(item)]))

    async def _keep(
        self, owner: str, asked: ResponseRequest, response: StoredResponse
    ) -> StoredResponse:
        ended = response
        if response.status is ResponseStatus.COMPLETED:
            ended = replace(response, completed=self._clock.unix_time())
        if asked.store:
            await self._store.put(owner, ended)
        if asked.conversation_id is not None:
            items = (*ended.input, *ended.output)
            await self._store.append_items(owner, asked.conversation_id, items)
        return ended


def _ended(begun: StoredResponse, items: Sequence[Item], last: Finished) -> StoredResponse:
    cut = last.reason is FinishReason.LENGTH
    return replace(
        begun,
        status=ResponseStatus.INCOMPLETE if cut else ResponseStatus.COMPLETED,
        output=tuple(items),
        usage=last.usage,
        shortfall=Shortfall.MAX_OUTPUT_TOKENS if cut else None,
    )
