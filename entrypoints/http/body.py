"""The body of a request, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.exceptions import HTTPException

from domain.errors import ClientDisconnectedError
from entrypoints.http.encoding import content_encoding, inflate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.types import Receive, Scope

_TOO_LARGE = 413
_NOT_JSON = 415


async def read_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    """Return the whole body of a request, inflated if it is compressed.

    Raises:
        HTTPException: 413; a declared length over the limit is refused before reading. 415: it
            is compressed in a way that is not known here.
        InvalidRequestError: it is not compressed as it says.
        ClientDisconnectedError: the client left in the middle of it.
    """
    encoding = content_encoding(scope["headers"])
    body = await _read(scope, receive, limit_bytes)
    return await inflate(body, encoding, limit_bytes) if encoding else body


async def _read(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit_bytes:
            raise HTTPException(status_code=_TOO_LARGE)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            gone = "The client closed the connection."
            raise ClientDisconnectedError(gone)
        piece = message["body"]
        size += len(piece)
        if size > limit_bytes:
            raise HTTPException(status_code=_TOO_LARGE)
        pieces.append(piece)
        if not message["more_body"]:
            return b"".join(pieces) if len(pieces) > 1 else piece


def require_json(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Return if a request says that its body is JSON.

    A web page can post other types to a local server without asking first.

    Raises:
        HTTPException: 415.
    """
    for name, value in headers:
        if name == b"content-type":
            if value.partition(b";")[0].strip().lower() == b"application/json":
                return
            break
    message = "The body must be JSON: send it with 'Content-Type: application/json'."
    raise HTTPException(message, status_code=_NOT_JSON)
