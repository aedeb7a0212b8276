"""The HTTP application."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from litestar import Litestar, MediaType, Request, Response
from litestar.routes import HTTPRoute

from entrypoints.http import docs, errors, health
from entrypoints.http.auth import KeyCheck
from entrypoints.http.collectors import Sources
from entrypoints.http.context import RequestContext
from entrypoints.http.cors import CORS
from entrypoints.http.dependencies import provide
from entrypoints.http.endpoints import json_endpoints, manner
from entrypoints.http.handshake import Handshakes
from entrypoints.http.hosts import Hosts
from entrypoints.http.json_endpoint import Shortcut
from entrypoints.http.loop_lag import LoopLag
from entrypoints.http.metrics import PATH, Exposition, metrics
from entrypoints.http.openai import absent, operations
from entrypoints.http.openai.chat.controller import ChatController
from entrypoints.http.openai.compatibility.controller import compatibility
from entrypoints.http.openai.completions.controller import CompletionsController
from entrypoints.http.openai.conversations.controller import ConversationsController
from entrypoints.http.openai.embeddings.controller import EmbeddingsController
from entrypoints.http.openai.models.controller import ModelsController
from entrypoints.http.openai.responses.controller import ResponsesController
from entrypoints.http.openai.responses.websocket import ResponsesSocket, SocketLimits
from entrypoints.http.paths import Paths
from entrypoints.http.playground import controller as playground
from entrypoints.http.tracing import Traced
from entrypoints.http.traffic import Traffic

if TYPE_CHECKING:
    from litestar.datastructures import State
    from litestar.types import ASGIApp

    from entrypoints.container import Container
    from entrypoints.http.drain import Drain
    from entrypoints.http.json_endpoint import JSONEndpoint


def create_app(container: Container, drain: Drain) -> ASGIApp:
    """Return the service: Litestar in the key check, in the drain, in the request's context."""
    settings = container.settings()
    endpoints = json_endpoints(container)
    traffic, lag = Traffic(), LoopLag()
    tracing, link = container.tracing(), container.link()
    exposition = Exposition(
        Sources(
            provider=settings.llm_backend,
            figures=container.figures(),
            store=container.store_figures(),
            traffic=traffic,
            lag=lag,
            servers=container.upstreams(),
        ),
        container.admission() if link is None else None,
        None if link is None else link.collect,
    )
    if link is not None:
        link.figures = exposition.taken
    framework = Litestar(
        route_handlers=[
            ChatController,
            CompletionsController,
            EmbeddingsController,
            ModelsController,
            ResponsesController,
            ConversationsController,
            compatibility,
            *absent.HANDLERS,
            *playground.HANDLERS,
            health.healthz,
            health.readyz,
            metrics,
        ],
        dependencies={
            **{name: provide(partial(_itself, it)) for name, it in endpoints.items()},
            "background": provide(container.background),
            "conversations": provide(container.conversations),
            "exposition": provide(lambda: exposition),
            "health": provide(container.health),
            "manner": provide(lambda: manner(container)),
            "models": provide(container.models),
        },
        exception_handlers={Exception: _on_error},
        request_max_body_size=settings.max_body_bytes,
        openapi_config=docs.config(operations.schemas, keys=settings.guarded),
        logging_config=None,
        on_startup=[lag.start],
        on_shutdown=[
            lag.stop,
            container.background().aclose,
            container.llm().aclose,
            container.medium().aclose,
            *([] if tracing is None else [tracing.aclose]),
        ],
    )
    _complete_options(framework)
    traffic.paths = frozenset(
        route.path_format for route in framework.routes if not route.path_parameters
    )
    shortcuts = {
        ("POST", "/v1/chat/completions"): endpoints["chat_completions"],
        ("POST", "/v1/responses"): endpoints["responses_create"],
    }
    socket = ResponsesSocket(
        container.responses(),
        container.defaults(),
        drain,
        SocketLimits(settings.websocket_idle_timeout_s, settings.max_body_bytes),
    )
    app: ASGIApp = Handshakes(
        Shortcut(framework, shortcuts), {"/v1/responses": socket}, settings.origins
    )
    public = (PATH,) if settings.metrics_public else ()
    app = Paths(drain.around(KeyCheck(app, container.key_watch(), public)))
    if settings.origins:
        app = CORS(app, settings.origins)
    if settings.hosts:
        app = Hosts(app, settings.hosts)
    if tracing is not None:
        app = Traced(app, tracing, traffic)
    return RequestContext(app, container.ids(), traffic)


def _complete_options(framework: Litestar) -> None:
    """Have OPTIONS name all methods of a path.

    Litestar answers with those of the first handler at the path, where others have joined it.
    """
    for route in framework.routes:
        if isinstance(route, HTTPRoute):
            stale, parameters = route.route_handler_map["OPTIONS"]
            fresh = route.create_options_handler(route.path)
            fresh.owner = stale.owner
            fresh.on_registration(framework)
            route.route_handler_map["OPTIONS"] = fresh, parameters


def _itself(endpoint: JSONEndpoint) -> JSONEndpoint:
    return endpoint


def _on_error(request: Request[None, None, State], error: Exception) -> Response[bytes]:
    shown = errors.envelope(error, request.scope)
    errors.log(error, shown)
    return Response(
        shown.body,
        status_code=shown.status,
        headers=dict(shown.headers),
        media_type=MediaType.JSON,
    )
