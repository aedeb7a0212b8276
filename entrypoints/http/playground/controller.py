"""The page at /, its files, and the root for programs.

The page is plain JavaScript without a build. It runs none but its own and speaks to this server
alone; its policy has browsers see to that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from litestar import get, route
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from entrypoints.http.calls import method
from entrypoints.http.replies import JSONReply, encoded

_FOLDER = Path(__file__).parent
_PATH = "/playground"
_HTML = "text/html; charset=utf-8"
_CSS = "text/css; charset=utf-8"
_JS = "text/javascript; charset=utf-8"
# All that is ever served from the folder.
_ASSETS = {
    "answer.js": _JS,
    "app.js": _JS,
    "client.js": _JS,
    "markdown.js": _JS,
    "snippets.js": _JS,
    "style.css": _CSS,
}
_ROOT = b'{"status":"ok","api":"/v1","docs":"/docs"}'
_BY_ACCEPT = {"vary": "accept"}

_HEADERS = {
    # What a model writes is text; that it never becomes markup is the browser's to enforce, too.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # Kept, and asked for again each time: all files are always of one version.
    "cache-control": "no-cache",
}


class _File:
    """A file of the page; an ASGI application, which tells who has it already that he does."""

    def __init__(self, name: str, media_type: str, headers: Mapping[str, str]) -> None:
        self._body = (_FOLDER / name).read_bytes()
        self._tag = f'"{hashlib.sha256(self._body).hexdigest()[:32]}"'.encode()
        self._headers = [*encoded({"content-type": media_type, **headers}), (b"etag", self._tag)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        known = any(
            name == b"if-none-match" and self._tag in value for name, value in scope["headers"]
        )
        body = b"" if known else self._body
        headers = self._headers
        if not known:
            headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send(
            {"type": "http.response.start", "status": 304 if known else 200, "headers": headers}
        )
        sent = b"" if method(scope) == "HEAD" else body
        await send({"type": "http.response.body", "body": sent, "more_body": False})


_PAGE = _File("index.html", _HTML, _HEADERS | _BY_ACCEPT)


# Clients and platforms look here first, and people with a browser, which alone asks for HTML.
@route("/", http_method=[HttpMethod.GET, HttpMethod.HEAD], include_in_schema=False)
async def root(scope: Scope) -> ASGIApp:
    """Return the page to browsers, and to programs that this is the service and where it begins."""
    asks = any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])
    return _PAGE if asks else JSONReply(_ROOT, headers=_BY_ACCEPT)


def _asset(name: str, media_type: str) -> HTTPRouteHandler:
    file = _File(name, media_type, _HEADERS)

    @get(f"{_PATH}/{name}", include_in_schema=False, name=f"playground {name}")
    async def serve() -> ASGIApp:
        return file

    return serve


HANDLERS = (root, *(_asset(name, media_type) for name, media_type in _ASSETS.items()))
