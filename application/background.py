"""Responses that go on when their caller leaves: polled, followed, cancelled."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from application.allowance import VISIT
from application.choices import all_of
from application.conclude import concluded
from application.following import Following
from application.history import History
from application.planning import Plan
from application.response_events import Began, Ended, ItemDone, Queued
from application.response_stream import AnsweredStream, itemiser
from domain.conversation import Failure, ResponseRequest, ResponseStatus, StoredResponse
from domain.errors import InvalidRequestError, ServiceError
from domain.items import Item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.answers import Answers
    from application.ports.store import ResponseStorePort
    from application.ports.system import ClockPort, IdPort
    from application.response_events import ResponseEvent
    from application.responses import ResponsesService
    from application.runs import Runs
    from domain.events import Finished

# A service that ends does not wait longer for its store.
_FAREWELL_S = 1.0
_LOST = Failure("server_error", "The server ended before the response was finished.")


class Recorder(Protocol):
    """The edge's words for a stream; one instance per response."""

    def feed(self, batch: Sequence[ResponseEvent]) -> Sequence[bytes]:
        """Return the records of ``batch``, which never holds ``Ended``."""
        ...

    def failure(self, error: Exception) -> Failure:
        """Return what is told of ``error``."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    owner: str
    asked: ResponseRequest
    begun: StoredResponse
    plan: Plan
    recorder: Recorder
    done: list[Item] = field(default_factory=list[Item])


class BackgroundService:
    """Makes responses while nobody waits.

    A response is kept from the moment that it is taken, with the records of its stream; its
    last record is not among them: whoever reads the others makes it of the response.
    """

    def __init__(
        self,
        responses: ResponsesService,
        answers: Answers,
        ids: IdPort,
        clock: ClockPort,
        store: ResponseStorePort,
        runs: Runs,
    ) -> None:
        self._responses = responses
        self._answers = answers
        self._ids = ids
        self._clock = clock
        self._store = store
        self._runs = runs
        self._history = History(store)

    async def start(
        self, owner: str, asked: ResponseRequest, begun: StoredResponse, recorder: Recorder
    ) -> StoredResponse:
        """Take a response that was ``begun``, and return it as it waits.

        Raises:
            OverloadedError: too many are under way.
            PermissionDeniedError: the caller may not ask this model.
            ServiceError: as ``ResponsesService.complete``, where that fails before the model
                is asked; what fails later is told by the response.
        """
        visit = VISIT.get()
        if visit is not None:
            # Now, while there is someone to be told.
            await visit.begin(asked.chat.model)
        with self._runs.place(begun.id):
            begun, plan = await self._responses.prepare(owner, asked, begun)
            queued = replace(begun, status=ResponseStatus.QUEUED)
            job = _Job(owner, asked, begun, plan, recorder)
            await self._runs.take(owner, queued.id)
            await self._store.put(owner, queued)
            await self._store.append_records(owner, queued.id, recorder.feed([Queued(queued)]))
        self._runs.start(owner, queued.id, self._run(job))
        return queued

    async def get(self, owner: str, response_id: str) -> StoredResponse:
        """Return a kept response; one that a dead process was making has failed.

        Raises:
            NotFoundError: there is none.
        """
        response = await self._store.get(owner, response_id)
        if response.status.final or await self._runs.are_at(owner, response_id):
            return response
        lost = replace(response, status=ResponseStatus.FAILED, failure=_LOST)
        return await self._store.advance(owner, lost)

    async def input_items(self, owner: str, response_id: str) -> list[Item]:
        """Return the context of a kept response, oldest first, without its output.

        It is what this response added alone where what it follows is gone, or too long; and
        in a conversation, which may have changed since.

        Raises:
            NotFoundError: there is no such response.
        """
        response = await self._store.get(owner, response_id)
        before: list[Item] = []
        with suppress(InvalidRequestError):
            before = await self._history.up_to(owner, response.previous_id)
        return [*before, *response.input]

    async def follow(self, owner: str, response_id: str, start: int = 0) -> Following:
        """Return the records of a response from number ``start`` on, those to come included.

        Raises:
            InvalidRequestError: it was not made in the background.
            NotFoundError: there is none.
        """
        response = await self.get(owner, response_id)
        if not response.background:
            message = "Only responses made in the background can be streamed again."
            raise InvalidRequestError(message, param="stream")
        return Following(self, self._store, self._runs, (owner, response_id), start)

    async def cancel(self, owner: str, response_id: str) -> StoredResponse:
        """End a response; one that has ended stays as it is.

        Raises:
            InvalidRequestError: it was not made in the background.
            NotFoundError: there is none.
        """
        response = await self.get(owner, response_id)
        if not response.background:
            message = "Only responses made in the background can be cancelled."
            raise InvalidRequestError(message, param="response_id")
        if response.status.final:
            return response
        await self._runs.stop(response_id)
        cancelled = replace(response, status=ResponseStatus.CANCELLED)
        return await self._store.advance(owner, cancelled)

    async def delete(self, owner: str, response_id: str) -> None:
        """Forget a kept response, and make it no further.

        Raises:
            NotFoundError: there is none.
        """
        await self._store.get(owner, response_id)
        await self._runs.stop(response_id)
        await self._store.delete(owner, response_id)

    async def aclose(self) -> None:
        """End what is under way, as failed, and take no more."""
        # Where the store takes longer, or fails, others find by themselves what was lost.
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await all_of(self._lose(*named) for named in await self._runs.aclose())

    async def _lose(self, owner: str, response_id: str) -> None:
        with suppress(ServiceError):
            response = await self._store.get(owner, response_id)
            lost = replace(response, status=ResponseStatus.FAILED, failure=_LOST)
            await self._store.advance(owner, lost)

    async def _run(self, job: _Job) -> None:
        try:
            await self._answer(job)
        except Exception as error:  # noqa: BLE001 - the response tells of it
            failed = replace(
                job.begun,
                status=ResponseStatus.FAILED,
                output=tuple(job.done),
                failure=job.recorder.failure(error),
            )
            with suppress(ServiceError):
                await self._store.advance(job.owner, failed)
        finally:
            with suppress(ServiceError):
                await self._runs.leave(job.owner, job.begun.id)

    async def _answer(self, job: _Job) -> None:
        answer = await self._answers.open(job.plan)

        async def end(items: Sequence[Item], last: Finished) -> StoredResponse:
            return concluded(job.begun, items, last, self._clock.unix_time())

        items = itemiser(job.asked, partial(self._ids.part, job.begun.id))
        stream = AnsweredStream(job.begun, answer, items, end)
        try:
            async for batch in stream:
                status = await self._record(job, batch)
                self._runs.tell(job.begun.id)
                if status.final:
                    break
        finally:
            await stream.aclose()

    async def _record(self, job: _Job, batch: Sequence[ResponseEvent]) -> ResponseStatus:
        first, last = batch[0], batch[-1]
        job.done.extend(event.item for event in batch if isinstance(event, ItemDone))
        records = job.recorder.feed([e for e in batch if not isinstance(e, Ended)])
        if isinstance(last, Ended):
            # First of all: who sees the end may go on in the conversation.
            await self._responses.extend(job.owner, last.response)
            return (await self._store.advance(job.owner, last.response, records)).status
        if isinstance(first, Began):
            return (await self._store.advance(job.owner, first.response, records)).status
        return await self._store.append_records(job.owner, job.begun.id, records)
