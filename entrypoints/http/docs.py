"""The page at /docs and the OpenAPI document it draws; nothing comes from outside this machine.

Litestar draws up the document when it is first asked for, from the routes and from what their
controllers declare (`entrypoints/http/openai/operations.py`). Swagger UI 5 lies as plain files in
a package that is found by its metadata and never imported: it is a Django application.
"""

from __future__ import annotations

from functools import cached_property
from html import escape
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from litestar import Litestar, MediaType, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.status_codes import HTTP_404_NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from litestar.handlers import HTTPRouteHandler

TITLE = "Local Chat Completion API"
VERSION = "0.1.0"  # as in pyproject.toml: the project runs uninstalled and has no metadata
PACKAGE = "drf-spectacular-sidecar"

Schemas: TypeAlias = "Callable[[Litestar], Mapping[str, object]]"

_PATH = "/docs"
_FOLDER = "swagger-ui-dist"
# All that is ever served from the package.
_ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}

_DESCRIPTION = """\
OpenAI's API for models on this machine: set `base_url` of an OpenAI client to `/v1` here.

The examples name no `model`: the one of `DEFAULT_MODEL` answers. {}

This page loads nothing from the internet."""
_OPEN = "This server runs without keys."
_GUARDED = """\
Calls need a key: enter it once under **Authorize**, in either form. Who sends both forms must \
send the same key."""

_HEADERS = {
    # Swagger UI sets styles from scripts, which needs no permission; its icons are data URLs.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}
# The page asks for the files of one version; another version has another URL.
_LASTING = {"cache-control": "public, max-age=31536000, immutable"}

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
{head}
</head>
<body>
{body}
</body>
</html>
"""
_HEAD = """\
<link rel="stylesheet" href="/docs/swagger-ui.css?v={version}">
<script src="/docs/swagger-ui-bundle.js?v={version}" defer></script>
<script src="/docs/start.js" defer></script>"""
_BODY = '<div id="docs"><noscript>This page needs JavaScript.</noscript></div>'
_MISSING = """\
<h1>{title}</h1>
<p>This page needs the files of Swagger UI, which are not installed. Run <code>just install</code>,
or <code>python -m pip install --no-deps {package}</code> in the environment of the service, and
start it again.</p>
<p>The service itself works, and <a href="/docs/openapi.json">its OpenAPI document</a> is there.</p>
"""
# `validatorUrl` would have a server on the internet judge the document.
_START = """\
document.body.style.margin = 0;
SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#docs",
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
});
"""


def config(schemas: Schemas, *, keys: bool, package: str = PACKAGE) -> OpenAPIConfig:
    """Return what serves the page and the document.

    Args:
        schemas: gives the document's component schemas by name, once the routes are known.
        keys: whether calls need a key.
        package: the distribution that holds Swagger UI; without it the page says so.
    """
    return OpenAPIConfig(
        title=TITLE,
        version=VERSION,
        description=_DESCRIPTION.format(_GUARDED if keys else _OPEN),
        components=Components(security_schemes=_security_schemes()),
        security=[{"bearer": []}, {"x-api-key": []}] if keys else None,
        use_handler_docstrings=True,
        openapi_router=Router(
            _PATH,
            route_handlers=[],
            include_in_schema=False,
            response_headers=_HEADERS,
            after_request=_found,
        ),
        render_plugins=[_Page(_Files(package)), _Document(schemas)],
    )


def _security_schemes() -> dict[str, Any]:
    return {
        "bearer": SecurityScheme(
            type="http", scheme="bearer", description="The key, as OpenAI's clients send it."
        ),
        "x-api-key": SecurityScheme(
            type="apiKey",
            name="x-api-key",
            security_scheme_in="header",
            description="The same key in a header of its own.",
        ),
    }


async def _found(response: Response[bytes]) -> Response[bytes]:
    """Return a page, or the error that everything has in place of Litestar's own for none.

    Raises:
        NotFoundException: there is none.
    """
    if response.status_code == HTTP_404_NOT_FOUND:
        raise NotFoundException
    return response


class _Files:
    """The files of Swagger UI, looked for when first needed."""

    def __init__(self, package: str) -> None:
        self.package = package

    @cached_property
    def version(self) -> str:
        """The package's version; empty unless all files are there."""
        return metadata.version(self.package) if self._paths.keys() == _ASSETS.keys() else ""

    def read(self, name: str) -> bytes:
        """Return a file.

        Raises:
            NotFoundException: it is not installed.
        """
        path = self._paths.get(name)
        if path is None:
            raise NotFoundException
        return path.read_bytes()

    @cached_property
    def _paths(self) -> dict[str, Path]:
        try:
            listed = metadata.files(self.package) or []
        except metadata.PackageNotFoundError:
            return {}
        paths = [
            Path(str(file.locate()))
            for file in listed
            if file.parent.name == _FOLDER and file.name in _ASSETS
        ]
        return {path.name: path for path in paths if path.is_file()}


class _Page(OpenAPIRenderPlugin):
    """The page, without a script or style inside, so that its policy can forbid them."""

    def __init__(self, files: _Files) -> None:
        super().__init__(path="/")
        self._files = files

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002 - Litestar's signature
        """Return the page, or how to get it."""
        head, body = _HEAD.format(version=escape(self._files.version)), _BODY
        if not self._files.version:
            head, body = "", _MISSING.format(title=TITLE, package=escape(self._files.package))
        return _PAGE.format(title=TITLE, head=head, body=body).encode()

    def receive_router(self, router: Router) -> None:
        """Add what the page loads."""
        router.register(_start)
        for name, media_type in _ASSETS.items():
            router.register(self._asset(name, media_type))

    def _asset(self, name: str, media_type: str) -> HTTPRouteHandler:
        # Megabytes from a disk: not on the event loop.
        @get(f"/{name}", media_type=media_type, response_headers=_LASTING, sync_to_thread=True)
        def serve() -> bytes:
            return self._files.read(name)

        return serve


@get("/start.js", media_type="text/javascript", sync_to_thread=False)
def _start() -> bytes:
    return _START.encode()


class _Document(JsonRenderPlugin):
    """The document, drawn up once."""

    def __init__(self, schemas: Schemas) -> None:
        super().__init__(media_type=MediaType.JSON)
        self._schemas = schemas
        self._rendered = b""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document with the component schemas in it."""
        if not self._rendered:
            components = openapi_schema["components"]
            named = {**components.get("schemas", {}), **self._schemas(request.app)}
            whole = openapi_schema | {"components": components | {"schemas": named}}
            self._rendered = msgspec.json.encode(whole)
        return self._rendered
