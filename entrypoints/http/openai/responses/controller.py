"""/v1/responses."""

from __future__ import annotations

from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from application.background import BackgroundService
from entrypoints.http.auth import owner
from entrypoints.http.json_endpoint import JSONEndpoint
from entrypoints.http.openai.paging import page
from entrypoints.http.openai.responses import operation, query, render
from entrypoints.http.openai.responses.endpoint import Manner
from entrypoints.http.openai.responses.recording import Followed, FollowedEncoder
from entrypoints.http.replies import JSONReply
from entrypoints.http.sse import SSEReply


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

        With `background` the answer comes at once, and the response is made meanwhile. A repeated
        request with the same `Idempotency-Key` is given the same response for a day; the key is
        of no effect in the simple shape and with `store: false`, of which nothing is kept.
        """
        return responses_create

    @post(
        "/input_tokens",
        status_code=200,
        summary="Count an input's tokens",
        operation_id="countInputTokens",
        operation_class=operation.COUNT,
    )
    async def count(self, responses_count: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Count the tokens that the model would read.

        The model server is asked for one token of an answer, and tells how many it read.
        """
        return responses_count

    @post(
        "/compact",
        status_code=200,
        summary="Make a context short",
        operation_id="compactResponse",
        operation_class=operation.COMPACT,
    )
    async def compact(self, responses_compact: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Return one item that stands for the whole input, to be sent in its place.

        The model sums it up; `encrypted_content` is the summary, encoded and not encrypted.
        """
        return responses_compact

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
        background: NamedDependency[BackgroundService],
        manner: NamedDependency[Manner],
    ) -> ASGIApp:
        """Get a response that was kept.

        With `stream=true` one that is made in the background is streamed from its begin, or from
        the event after `starting_after`.
        """
        asked = query.read(request.scope["query_string"])
        whose = owner(request.scope)
        if not asked.stream:
            stored = await background.get(whose, response_id)
            return JSONReply(render.response(stored, encrypted=asked.encrypted))

        async def opening() -> tuple[Followed, FollowedEncoder]:
            following = await background.follow(whose, response_id, asked.start)
            return Followed(following), FollowedEncoder(asked.start, encrypted=asked.encrypted)

        return SSEReply(opening, heartbeat_after_s=manner.heartbeat_after_s)

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
        background: NamedDependency[BackgroundService],
    ) -> ASGIApp:
        """Delete a response; those that follow it cannot be gone on from any more."""
        await background.delete(owner(request.scope), response_id)
        return JSONReply(render.deleted(response_id))

    @post(
        "/{response_id:str}/cancel",
        status_code=200,
        summary="Cancel a response",
        operation_id="cancelResponse",
        operation_class=operation.CANCEL,
    )
    async def cancel(
        self,
        request: Request[None, None, State],
        response_id: FromPath[str],
        background: NamedDependency[BackgroundService],
    ) -> ASGIApp:
        """Cancel a response that is made in the background; one that has ended stays as it is."""
        cancelled = await background.cancel(owner(request.scope), response_id)
        return JSONReply(render.response(cancelled))

    @get(
        "/{response_id:str}/input_items",
        summary="List a response's input",
        operation_id="listInputItems",
        operation_class=operation.ITEMS,
    )
    async def input_items(
        self,
        request: Request[None, None, State],
        response_id: FromPath[str],
        background: NamedDependency[BackgroundService],
    ) -> ASGIApp:
        """List the items before a response's output, those of what it follows included."""
        text = request.scope["query_string"]
        wanted, encrypted = page(text), query.read(text).encrypted
        items = await background.input_items(owner(request.scope), response_id)
        part, has_more = wanted.of(items, lambda item: item.id)
        return JSONReply(render.item_list(part, has_more=has_more, encrypted=encrypted))
