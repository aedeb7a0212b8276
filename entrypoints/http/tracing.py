"""A span for every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.work import WORK
from entrypoints.http.calls import CALLS

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from litestar.types import ASGIApp, Message, Receive, Scope, Send

    from application.ports.tracing import Span, TracingPort
    from entrypoints.http.traffic import Traffic

_SERVER_FAULTS = 500
_REFUSED = 400
_SWITCHED = 101


class Traced:
    """Has each request be a span of the trace that its client began, or of one of its own."""

    def __init__(self, app: ASGIApp, tracing: TracingPort, traffic: Traffic) -> None:
        self._app = app
        self._tracing = tracing
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in CALLS:
            await self._app(scope, receive, send)
            return
        status = 0

        def sending(message: Message) -> Awaitable[None]:
            nonlocal status
            if (
                message["type"] == "http.response.start"
                or message["type"] == "websocket.http.response.start"
            ):
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = _SWITCHED
            return send(message)

        with self._tracing.request(scope["headers"]) as span:
            try:
                await self._app(scope, receive, sending)
            finally:
                self._describe(span, scope, status)

    def _describe(self, span: Span, scope: Scope, status: int) -> None:
        verb, route = self._traffic.method(scope), self._traffic.route(scope)
        attributes: dict[str, str | int] = {"http.request.method": verb, "http.route": route}
        if status:
            attributes["http.response.status_code"] = status
        work = WORK.get()
        if work is not None and work.model:
            attributes["gen_ai.operation.name"] = work.operation
            attributes["gen_ai.request.model"] = work.model
            # None are known of an answer that did not come to its end.
            if work.tokens_in:
                attributes["gen_ai.usage.input_tokens"] = work.tokens_in
            if work.tokens_out:
                attributes["gen_ai.usage.output_tokens"] = work.tokens_out
        span.describe(f"{verb} {route}", attributes)
        outcome = "ok" if work is None else work.outcome
        # What a client did wrong is no failure of the server's.
        if status >= _SERVER_FAULTS or (status < _REFUSED and outcome != "ok"):
            span.fail(outcome)
