"""/v1/responses over a WebSocket: turn after turn on one connection."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Literal

import structlog
from msgspec import Meta

from application.response_events import Began, Ended
from application.work import WORK, Work
from domain.errors import (
    ClientDisconnectedError,
    InvalidRequestError,
    OverloadedError,
    UpstreamUnavailableError,
)
from entrypoints.http import errors
from entrypoints.http.auth import begin_turn, owner
from entrypoints.http.disconnect import HangUp
from entrypoints.http.openai.parsing import BodyParser
from entrypoints.http.openai.responses import wire
from entrypoints.http.openai.responses.inbox import Inbox
from entrypoints.http.openai.responses.names import own_names
from entrypoints.http.openai.responses.outbox import Outbox
from entrypoints.http.openai.responses.parse import Asked, to_domain
from entrypoints.http.openai.responses.stream import ResponseEncoder
from entrypoints.http.openai.responses.support import ELSEWHERE, HARMLESS

if TYPE_CHECKING:
    from collections.abc import Generator

    from litestar.types import Receive, Scope, Send

    from application.defaults import Defaults
    from application.memory import ConnectionMemory
    from application.responses import ResponsesService
    from entrypoints.http.drain import Drain

_log = structlog.stdlib.get_logger()

# RFC 6455, 7.4.1, and its registry.
_GOING_AWAY = 1001
_POLICY_VIOLATION = 1008
_SERVICE_RESTART = 1012

StreamId = Annotated[str, Meta(min_length=1, max_length=256, pattern="^[A-Za-z0-9_.-]+$")]


class ResponseCreate(wire.ResponsesRequest, kw_only=True, forbid_unknown_fields=True):
    """A ``response.create`` event: a body of POST /v1/responses, and what a WebSocket adds."""

    type: Literal["response.create"]
    generate: bool | None = None
    stream_id: StreamId | None = None


_parser = BodyParser(ResponseCreate, HARMLESS, ELSEWHERE)


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What a connection may take.

    Attributes:
        idle_s: between the end of one turn and the next event.
        waiting_bytes: of events that wait for their turn.
    """

    idle_s: float
    waiting_bytes: int


class ResponsesSocket:
    """Answers ``response.create`` events one after the other; an ASGI application.

    What fails is told in an event, and the connection goes on.
    """

    def __init__(
        self, responses: ResponsesService, defaults: Defaults, drain: Drain, limits: SocketLimits
    ) -> None:
        self._responses = responses
        self._defaults = defaults
        self._drain = drain
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection to its end."""
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        outbox = Outbox(send)
        inbox = Inbox(receive, self._limits.waiting_bytes)
        turns = _Turns(self._responses, self._defaults, scope, inbox, outbox)
        try:
            while True:
                await turns.take(await self._next(inbox))
        except ClientDisconnectedError:
            if inbox.flooded:
                message = "Too many events wait for their turn; send them one after the other."
                flood = OverloadedError(message, code="too_many_events")
                await outbox.close(flood, _POLICY_VIOLATION)
        except UpstreamUnavailableError as error:
            await outbox.close(error, _SERVICE_RESTART)
        except TimeoutError:
            message = f"The connection was closed after {self._limits.idle_s:g} s without an event."
            idle = InvalidRequestError(message, code="websocket_idle_timeout")
            await outbox.close(idle, _GOING_AWAY)

    async def _next(self, inbox: Inbox) -> str | None:
        with self._drain.idle():
            async with HangUp(inbox.pump), asyncio.timeout(self._limits.idle_s):
                return await inbox.next()


class _Turns:
    """The turns of one connection, and what they remember of each other."""

    def __init__(
        self,
        responses: ResponsesService,
        defaults: Defaults,
        scope: Scope,
        inbox: Inbox,
        outbox: Outbox,
    ) -> None:
        self._responses = responses
        self._defaults = defaults
        self._scope = scope
        self._owner = owner(scope)
        self._inbox = inbox
        self._outbox = outbox
        self._memory: ConnectionMemory = responses.memory()

    async def take(self, frame: str | None) -> None:
        """Answer one event.

        Raises:
            ClientDisconnectedError: the client left; whatever was under way has ended.
        """
        with _turn() as work:
            await self._take(frame, work)

    async def _take(self, frame: str | None, work: Work) -> None:
        status = "failed"
        self._outbox.begin()
        try:
            async with HangUp(self._inbox.pump):
                status = await self._answer(frame)
        except ClientDisconnectedError as error:
            errors.log(error, errors.envelope(error))
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the client must be told
            shown = errors.envelope(error)
            errors.log(error, shown)
            await self._outbox.fail(shown)
        told: dict[str, object] = {
            "status": status,
            "outcome": work.outcome,
            "elapsed_ms": round((perf_counter() - work.began) * 1000, 1),
        }
        work.add_to(told)
        _log.info("turn_answered", **told)

    async def _answer(self, frame: str | None) -> str:
        """Return the status of the response that was sent."""
        wanted = _read(frame)
        self._outbox.begin(wanted.stream_id)
        await begin_turn(self._scope)
        asked = to_domain(wanted, self._defaults)
        with self._memory.following(asked.request.previous_id), own_names():
            if wanted.generate is False:
                return await self._warm_up(asked)
            return await self._stream(asked)

    async def _warm_up(self, asked: Asked) -> str:
        begun = self._responses.begin(asked.request)
        ready = await self._responses.warm_up(self._owner, asked.request, begun, self._memory)
        encoder = ResponseEncoder(begun, encrypted=asked.encrypted)
        await self._outbox.send(encoder.feed([Began(begun), Ended(ready)]))
        return ready.status.value

    async def _stream(self, asked: Asked) -> str:
        begun = self._responses.begin(asked.request)
        encoder = ResponseEncoder(begun, encrypted=asked.encrypted)
        stream = await self._responses.stream(self._owner, asked.request, begun, self._memory)
        status = begun.status
        self._outbox.failing = encoder.fail
        try:
            async for batch in stream:
                if isinstance(last := batch[-1], Ended):
                    status = last.response.status
                await self._outbox.send(encoder.feed(batch))
        finally:
            await stream.aclose()
        return status.value


@contextmanager
def _turn() -> Generator[Work]:
    """Give the work of a turn, with the key of its connection; what begins meanwhile adds to it."""
    work = Work()
    if (before := WORK.get()) is not None:
        work.key = before.key
    token = WORK.set(work)
    try:
        yield work
    finally:
        WORK.reset(token)


def _read(frame: str | None) -> ResponseCreate:
    """Return the event that a frame holds.

    Raises:
        InvalidRequestError: it is none, or has fields that have no place on a WebSocket.
    """
    if frame is None:
        message = "Events are JSON in text frames; this frame was binary."
        raise InvalidRequestError(message, code="invalid_frame")
    wanted = _parser.parse(frame.encode()).wire
    for name, value in (("stream", wanted.stream is False), ("background", wanted.background)):
        if value:
            message = f"Unsupported parameter: '{name}': a WebSocket streams every response."
            raise InvalidRequestError(message, code="unsupported_parameter", param=name)
    # Every response on a WebSocket is streamed, and what goes with that is taken.
    wanted.stream = True
    if wanted.generate is False and wanted.input is None:
        wanted.input = []
    return wanted
