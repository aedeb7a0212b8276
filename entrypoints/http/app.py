"""The HTTP application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import Litestar, MediaType, Request, Response

from entrypoints.http import docs, errors, health
from entrypoints.http.auth import KeyCheck
from entrypoints.http.bridge import provide
from entrypoints.http.context import RequestContext
from entrypoints.http.cors import CORS
from entrypoints.http.endpoint import JSONEndpoint, Shortcut
from entrypoints.http.handshake import Handshakes
from entrypoints.http.hosts import Hosts
from entrypoints.http.openai import absent, operations
from entrypoints.http.openai.chat.controller import ChatController, ChatEndpoint
from entrypoints.http.openai.completions.controller import (
    CompletionsController,
    CompletionsEndpoint,
)
from entrypoints.http.openai.embeddings.controller import EmbeddingsController, EmbeddingsEndpoint
from entrypoints.http.openai.models.controller import ModelsController
from entrypoints.http.openai.responses.controller import (
    Manner,
    ResponsesController,
    ResponsesEndpoint,
)
from entrypoints.http.openai.responses.websocket import ResponsesSocket, SocketLimits
from entrypoints.http.paths import Paths

if TYPE_CHECKING:
    from litestar.datastructures import State
    from litestar.types import ASGIApp

    from entrypoints.container import Container
    from entrypoints.http.drain import Drain


def create_app(container: Container, drain: Drain) -> ASGIApp:
    """Return the service: Litestar in the key check, in the drain, in the request's context."""
    settings = container.settings()
    chat = ChatEndpoint(container.chat(), container.defaults(), settings.heartbeat_after_s)
    chat_completions = JSONEndpoint(chat.answer, settings.max_body_bytes)
    completions = JSONEndpoint(
        CompletionsEndpoint(
            container.completions(),
            container.tokens(),
            container.defaults(),
            settings.heartbeat_after_s,
        ).answer,
        settings.max_body_bytes,
    )
    embeddings = JSONEndpoint(
        EmbeddingsEndpoint(container.embeddings(), container.tokens(), container.defaults()).answer,
        settings.max_body_bytes,
    )
    responses = ResponsesEndpoint(
        container.responses(),
        container.defaults(),
        Manner(settings.responses_shape, settings.heartbeat_after_s),
    )
    responses_create = JSONEndpoint(responses.answer, settings.max_body_bytes)
    app: ASGIApp = Litestar(
        route_handlers=[
            ChatController,
            CompletionsController,
            EmbeddingsController,
            ModelsController,
            ResponsesController,
            *absent.HANDLERS,
            health.root,
            health.healthz,
            health.readyz,
        ],
        dependencies={
            "completions": provide(lambda: completions),
            "embeddings": provide(lambda: embeddings),
            "models": provide(container.models),
            "responses": provide(container.responses),
            "responses_create": provide(lambda: responses_create),
            "chat_completions": provide(lambda: chat_completions),
            "defaults": provide(container.defaults),
            "health": provide(container.health),
        },
        exception_handlers={Exception: _on_error},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=docs.config(operations.schemas, keys=bool(settings.api_keys)),
        logging_config=None,
        on_shutdown=[container.llm().aclose, container.store().aclose],
    )
    shortcuts = {
        ("POST", "/v1/chat/completions"): chat_completions,
        ("POST", "/v1/responses"): responses_create,
    }
    socket = ResponsesSocket(
        container.responses(),
        container.defaults(),
        drain,
        SocketLimits(settings.websocket_idle_timeout_s, settings.max_body_bytes),
    )
    app = Handshakes(Shortcut(app, shortcuts), {"/v1/responses": socket}, settings.origins)
    app = Paths(drain.around(KeyCheck(app, settings.api_keys)))
    if settings.origins:
        app = CORS(app, settings.origins)
    if settings.hosts:
        app = Hosts(app, settings.hosts)
    return RequestContext(app, container.ids())


def _on_error(request: Request[None, None, State], error: Exception) -> Response[bytes]:
    shown = errors.envelope(error, request.scope)
    errors.log(error, shown)
    return Response(
        shown.body,
        status_code=shown.status,
        headers=dict(shown.headers),
        media_type=MediaType.JSON,
    )
