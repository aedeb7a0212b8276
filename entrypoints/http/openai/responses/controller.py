"""/v1/responses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp, Receive, Scope

from application.defaults import Defaults
from application.responses import ResponsesService
from domain.errors import InvalidRequestError
from entrypoints.http.auth import owner
from entrypoints.http.disconnect import HangUp
from entrypoints.http.endpoint import JSONEndpoint
from entrypoints.http.openai.parsing import BodyParser, ignored_header
from entrypoints.http.openai.responses import operation, query, render, wire
from entrypoints.http.openai.responses.carriers import (
    ResponseSSEEncoder,
    SimpleSSEEncoder,
    Single,
)
from entrypoints.http.openai.responses.names import own_names
from entrypoints.http.openai.responses.parse import Asked, to_domain
from entrypoints.http.openai.responses.shape import HEADER, Shape, choose
from entrypoints.http.openai.responses.stream import ResponseEncoder
from entrypoints.http.replies import JSONReply
from entrypoints.http.sse import SSEReply

# What frameworks send for services of their own; leaving it out changes no answer.
HARMLESS = (
    "access_programs",
    "background_options",
    "image",
    "litellm_metadata",
    "provider",
    "session_id",
    "tags",
    "trace_id",
)

_parser = BodyParser(wire.ResponsesRequest, HARMLESS)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Manner:
    """How responses are answered, by the settings."""

    shape: str
    heartbeat_after_s: float


class ResponsesEndpoint:
    """Answers bodies of Responses."""

    def __init__(self, responses: ResponsesService, defaults: Defaults, manner: Manner) -> None:
        self._responses = responses
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
            asked = _simple(asked)
        headers = ignored_header(parsed, *asked.ignored)
        if wanted.stream:
            return self._stream(asked, shape, owner(scope), headers)
        async with HangUp(receive):
            with own_names():
                begun = self._responses.begin(asked.request)
                made = await self._responses.complete(owner(scope), asked.request, begun)
        if shape is Shape.SIMPLE:
            return JSONReply(render.simple(made), headers=headers)
        return JSONReply(render.response(made, encrypted=asked.encrypted), headers=headers)

    def _stream(self, asked: Asked, shape: Shape, whose: str, headers: dict[str, str]) -> ASGIApp:
        begun = self._responses.begin(asked.request)
        encoder: ResponseSSEEncoder | SimpleSSEEncoder
        if shape is Shape.SIMPLE:
            encoder = SimpleSSEEncoder(begun)
        else:
            encoder = ResponseSSEEncoder(ResponseEncoder(begun, encrypted=asked.encrypted))

        async def opening() -> tuple[Single, ResponseSSEEncoder | SimpleSSEEncoder]:
            with own_names():
                return Single(await self._responses.stream(whose, asked.request, begun)), encoder

        return SSEReply(
            opening,
            heartbeat_after_s=self._manner.heartbeat_after_s,
            headers=headers,
            late=encoder.fail,
        )


def _simple(asked: Asked) -> Asked:
    """Return what is asked in the simple shape; nothing of it is kept.

    Raises:
        InvalidRequestError: the simple shape has no place for what is asked.
    """
    if asked.request.chat.tools:
        message = (
            "The simple shape has no place for calls of tools; ask for OpenAI's shape with the "
            f"header '{HEADER}: openai'."
        )
        raise InvalidRequestError(message, code="unsupported_parameter", param="tools")
    return replace(asked, request=replace(asked.request, store=False))


class ResponsesController(Controller):
    """Responses in the document, and those that were kept; ``Shortcut`` answers the plain path."""

    path = "/v1/responses"
    tags = ("Responses",)

    @post(
        "",
        status_code=200,
        summary="Answer an input",
        operation_id="createResponse",
        operation_class=operation.CREATE,
    )
    async def create(self, responses_create: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Answer an input, whole or as a stream of events.

        A body of `input` (a string), `model`, `instructions` and `temperature` alone is answered
        in a simple shape; every other one, and every known client of OpenAI's API, with OpenAI's
        Response object. The header `x-responses-shape: simple|openai` decides for one request.
        """
        return responses_create

    @get(
        "/{response_id:str}",
        summary="Get a response",
        operation_id="getResponse",
        operation_class=operation.GET,
    )
    async def retrieve(
        self,
        request: Request[None, None, State],
        response_id: FromPath[str],
        responses: NamedDependency[ResponsesService],
    ) -> ASGIApp:
        """Get a response that was kept."""
        asked = query.read(request.scope["query_string"])
        if asked.stream:
            message = "Only responses made in the background can be streamed again."
            raise InvalidRequestError(message, param="stream")
        stored = await responses.get(owner(request.scope), response_id)
        return JSONReply(render.response(stored, encrypted=asked.encrypted))

    @delete(
        "/{response_id:str}",
        status_code=200,
        summary="Delete a response",
        operation_id="deleteResponse",
        operation_class=operation.DELETE,
    )
    async def remove(
        self,
        request: Request[None, None, State],
        response_id: FromPath[str],
        responses: NamedDependency[ResponsesService],
    ) -> ASGIApp:
        """Delete a response; those that follow it cannot be gone on from any more."""
        await responses.delete(owner(request.scope), response_id)
        return JSONReply(render.deleted(response_id))
