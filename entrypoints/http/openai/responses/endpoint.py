"""POST /v1/responses."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from application.background import BackgroundService
from application.repeats import KeyedStream, Repeats
from application.responses import ResponsesService
from application.retell import ToldStream
from domain.conversation import StoredResponse
from domain.errors import InvalidRequestError
from entrypoints.http.auth import owner
from entrypoints.http.disconnect import HangUp
from entrypoints.http.openai.parsing import BodyParser, ignored_header
from entrypoints.http.openai.responses import render, wire
from entrypoints.http.openai.responses.names import own_names
from entrypoints.http.openai.responses.parse import Asked, to_domain, unkept
from entrypoints.http.openai.responses.recording import Followed, FollowedEncoder, SSERecorder
from entrypoints.http.openai.responses.shape import HEADER, Shape, choose
from entrypoints.http.openai.responses.sse import (
    ResponseSSEEncoder,
    SimpleSSEEncoder,
    Single,
)
from entrypoints.http.openai.responses.stream import ResponseEncoder
from entrypoints.http.openai.responses.support import ELSEWHERE, HARMLESS
from entrypoints.http.replies import JSONReply
from entrypoints.http.sse import SSEReply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from litestar.types import ASGIApp, Receive, Scope

    from application.defaults import Defaults
    from application.response_events import ResponseStream

_parser = BodyParser(wire.ResponsesRequest, HARMLESS, ELSEWHERE)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

_KEY = b"idempotency-key"
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Manner:
    """How responses are answered, by the settings."""

    shape: str
    heartbeat_after_s: float


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases behind POST /v1/responses."""

    responses: ResponsesService
    background: BackgroundService
    repeats: Repeats


@dataclass(frozen=True, slots=True)
class _Call:
    """A request as it is answered.

    Attributes:
        key: under which it is answered once; empty for none.
    """

    owner: str
    asked: Asked
    begun: StoredResponse
    shape: Shape
    headers: dict[str, str]
    key: str


class ResponsesEndpoint:
    """Answers bodies of Responses."""

    def __init__(self, services: Services, defaults: Defaults, manner: Manner) -> None:
        self._responses = services.responses
        self._background = services.background
        self._repeats = services.repeats
        self._defaults = defaults
        self._manner = manner

    async def answer(self, body: bytes, scope: Scope, receive: Receive) -> ASGIApp:
        """Return the answer to ``body`` in the shape that it is due, whole or as a stream.

        Raises:
            ServiceError: there is none.
        """
        parsed = _parser.parse(body)
        wanted = parsed.wire
        shape = choose(
            self._manner.shape,
            scope["headers"],
            _fields(body),
            plain_input=isinstance(wanted.input, str),
        )
        asked = to_domain(wanted, self._defaults)
        if shape is Shape.SIMPLE:
            asked = _simple(asked, self._defaults)
        headers = ignored_header(parsed, *asked.ignored)
        begun = self._responses.begin(asked.request)
        # What is not kept cannot be given twice.
        key = _key(scope) if asked.request.store else ""
        call = _Call(owner(scope), asked, begun, shape, headers, key)
        if key:
            digest = hashlib.blake2b(body, digest_size=16).hexdigest()
            earlier = await self._repeats.first(call.owner, key, digest, begun.id)
            if earlier is not None:
                return self._again(call, earlier, stream=bool(wanted.stream))
        if wanted.stream:
            return self._stream(call)
        async with HangUp(receive):
            made = await self._make(call)
        return _reply(call, made)

    async def _make(self, call: _Call) -> StoredResponse:
        request = call.asked.request
        with own_names():
            async with self._keyed(call):
                if request.background:
                    return await self._start(call)
                return await self._responses.complete(call.owner, request, call.begun)

    def _keyed(self, call: _Call) -> AbstractAsyncContextManager[None]:
        return self._repeats.making(call.owner, call.key) if call.key else nullcontext()

    async def _start(self, call: _Call) -> StoredResponse:
        recorder = SSERecorder(ResponseEncoder(call.begun, encrypted=call.asked.encrypted))
        return await self._background.start(call.owner, call.asked.request, call.begun, recorder)

    def _stream(self, call: _Call) -> ASGIApp:
        if call.asked.request.background:
            return self._followed(call, partial(self._make, call))

        async def opening() -> ResponseStream:
            with own_names():
                return await self._open(call)

        return self._told(call, opening)

    async def _open(self, call: _Call) -> ResponseStream:
        request = call.asked.request
        if not call.key:
            return await self._responses.stream(call.owner, request, call.begun)
        named = call.owner, call.key
        try:
            stream = await self._responses.stream(call.owner, request, call.begun)
        except BaseException:
            await self._repeats.forget(*named)
            raise
        return KeyedStream(stream, self._repeats, named)

    def _followed(self, call: _Call, make: Callable[[], Awaitable[StoredResponse]]) -> ASGIApp:
        """Return the stream of a response that is made in the background."""

        async def opening() -> tuple[Followed, FollowedEncoder]:
            made = await make()
            following = await self._background.follow(call.owner, made.id)
            return Followed(following), FollowedEncoder(0, encrypted=call.asked.encrypted)

        heartbeat_after_s = self._manner.heartbeat_after_s
        return SSEReply(opening, heartbeat_after_s=heartbeat_after_s, headers=call.headers)

    def _again(self, call: _Call, made: StoredResponse, *, stream: bool) -> ASGIApp:
        """Return the answer to a request that was answered before."""
        if not stream:
            return _reply(call, made)
        if made.background:

            async def known() -> StoredResponse:
                return made

            return self._followed(call, known)

        async def opening() -> ResponseStream:
            return ToldStream(made)

        return self._told(replace(call, begun=made), opening)

    def _told(self, call: _Call, opening: Callable[[], Awaitable[ResponseStream]]) -> ASGIApp:
        encoder: ResponseSSEEncoder | SimpleSSEEncoder
        if call.shape is Shape.SIMPLE:
            encoder = SimpleSSEEncoder(call.begun)
        else:
            encoder = ResponseSSEEncoder(
                ResponseEncoder(call.begun, encrypted=call.asked.encrypted)
            )

        async def opened() -> tuple[Single, ResponseSSEEncoder | SimpleSSEEncoder]:
            return Single(await opening()), encoder

        return SSEReply(
            opened,
            heartbeat_after_s=self._manner.heartbeat_after_s,
            headers=call.headers,
            late=encoder.fail,
        )


def _reply(call: _Call, made: StoredResponse) -> JSONReply:
    if call.shape is Shape.SIMPLE:
        return JSONReply(render.simple(made), headers=call.headers)
    body = render.response(made, encrypted=call.asked.encrypted)
    return JSONReply(body, headers=call.headers)


def _key(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _KEY:
            if len(value) > _LONGEST_KEY:
                message = f"The Idempotency-Key is too long: at most {_LONGEST_KEY} characters."
                raise InvalidRequestError(
                    message, code="string_above_max_length", param="Idempotency-Key"
                )
            return value.decode("latin-1")
    return ""


def _simple(asked: Asked, defaults: Defaults) -> Asked:
    """Return what is asked in the simple shape; nothing of it is kept.

    Raises:
        InvalidRequestError: the simple shape has no place for what is asked.
    """
    if asked.request.background:
        raise unkept(defaults)
    if asked.request.chat.tools:
        message = (
            "The simple shape has no place for calls of tools; ask for OpenAI's shape with the "
            f"header '{HEADER}: openai'."
        )
        raise InvalidRequestError(message, code="unsupported_parameter", param="tools")
    return replace(asked, request=replace(asked.request, store=False))
