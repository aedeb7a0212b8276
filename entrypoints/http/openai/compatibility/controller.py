"""GET /compatibility."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from litestar import Request, get
from litestar.datastructures import State
from litestar.routes import HTTPRoute
from litestar.types import ASGIApp

from entrypoints.http.openai.compatibility import wire
from entrypoints.http.openai.compatibility.tables import TABLES
from entrypoints.http.openai.operations import Content, operation
from entrypoints.http.openai.support import MEANINGS
from entrypoints.http.replies import JSONReply

if TYPE_CHECKING:
    from litestar import Litestar

_encode = msgspec.json.Encoder().encode

_GET = operation(
    "compatibility",
    Content(
        wire.Compatibility,
        {
            "A part": {
                "statuses": {"honoured": MEANINGS[next(iter(MEANINGS))]},
                "endpoints": ["POST /v1/responses"],
                "fields": {"POST /v1/responses": {"top_p": {"status": "honoured"}}},
            }
        },
    ),
    failures=(401,),
)


@get(
    "/compatibility",
    tags=["Service"],
    summary="Get what is supported",
    operation_id="getCompatibility",
    operation_class=_GET,
)
async def compatibility(request: Request[None, None, State]) -> ASGIApp:
    """Get how each field of the requests to each endpoint is supported.

    It is the source of docs/compatibility.md; the tests hold the code against it.
    """
    fields = {
        endpoint: {path: wire.Field(it.status.value, it.note) for path, it in table.items()}
        for endpoint, table in TABLES.items()
    }
    statuses = {status.value: meaning for status, meaning in MEANINGS.items()}
    shown = wire.Compatibility(statuses, _endpoints(request.app), fields)
    return JSONReply(_encode(shown))


def _endpoints(app: Litestar) -> list[str]:
    """Return the endpoints of OpenAI's API that are in the document."""
    return sorted(
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, HTTPRoute) and route.path_format.startswith("/v1/")
        for method, (handler, _) in route.route_handler_map.items()
        if handler.include_in_schema and method != "OPTIONS"
    )
