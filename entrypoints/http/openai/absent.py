"""Endpoints of OpenAI's that this server does not have: a refusal that people understand."""

from __future__ import annotations

from litestar import Request, delete, get, post, route
from litestar.datastructures import State
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.types import ASGIApp

from domain.errors import NotFoundError
from entrypoints.http import errors
from entrypoints.http.replies import JSONReply

# First segment after /v1, and what it stands for.
_FAMILIES = {
    "assistants": "assistants",
    "audio": "audio",
    "batches": "batches",
    "chatkit": "ChatKit",
    "containers": "containers",
    "content_provenance_checks": "content provenance checks",
    "evals": "evals",
    "files": "files",
    "fine_tuning": "fine-tuning",
    "images": "images",
    "moderations": "moderations",
    "organization": "administration of organizations",
    "projects": "administration of projects",
    "realtime": "realtime sessions",
    "skills": "skills",
    "threads": "threads",
    "uploads": "uploads",
    "vector_stores": "vector stores",
    "videos": "videos",
}
_PATHS = [f"/v1/{name}{rest}" for name in _FAMILIES for rest in ("", "/{rest:path}")]
_METHODS = [HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE]

_STORED = "/v1/chat/completions"


# The body, perhaps an upload, is not read.
@route(_PATHS, http_method=_METHODS, include_in_schema=False, sync_to_thread=False, status_code=404)
def absent(request: Request[None, None, State]) -> ASGIApp:
    """Refuse what this server does not have."""
    segments = [segment for segment in request.scope["path"].split("/") if segment]
    family = _FAMILIES[segments[1]]
    return _refused(
        f"This server does not have OpenAI's {family}: it answers chat, responses, completions, "
        "embeddings and models.",
        "unsupported_endpoint",
    )


@get(
    [_STORED, f"{_STORED}/{{rest:path}}"],
    include_in_schema=False,
    sync_to_thread=False,
    status_code=404,
)
def not_stored(request: Request[None, None, State]) -> ASGIApp:
    """Refuse to show chat completions of the past."""
    return _not_kept(request)


@post(f"{_STORED}/{{rest:path}}", include_in_schema=False, sync_to_thread=False, status_code=404)
def not_stored_to_change(request: Request[None, None, State]) -> ASGIApp:
    """Refuse to change chat completions of the past."""
    return _not_kept(request)


@delete(f"{_STORED}/{{rest:path}}", include_in_schema=False, sync_to_thread=False, status_code=404)
def not_stored_to_delete(request: Request[None, None, State]) -> ASGIApp:
    """Refuse to delete chat completions of the past."""
    return _not_kept(request)


HANDLERS = (absent, not_stored, not_stored_to_change, not_stored_to_delete)


def _not_kept(request: Request[None, None, State]) -> ASGIApp:
    if errors.meant(request.scope["path"]):
        raise NotFoundException
    return _refused(
        "Chat completions are not kept on this server; responses are (POST /v1/responses).",
        "not_stored",
    )


def _refused(message: str, code: str) -> ASGIApp:
    shown = errors.envelope(NotFoundError(message, code=code))
    return JSONReply(shown.body, shown.status, shown.headers)
