"""The body of a request, within bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.exceptions import HTTPException

from domain.errors import ClientDisconnectedError, OverloadedError
from entrypoints.http.encoding import content_encoding, inflate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar.types import Receive, Scope

_TOO_LARGE = 413
_NOT_JSON = 415
# Bodies of the largest size that are held at a time.
_LARGEST_BODIES = 16
# So much is taken of every request, however full it is: connections are bounded, too.
_SMALL_BYTES = 64 * 1024


class BodyRoom:
    """What the bodies of all requests together may take.

    Args:
        limit_bytes: what the body of one may take.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.taken_bytes = 0

    def share(self) -> BodyShare:
        """Return a request's part of it; whoever has it frees it."""
        return BodyShare(self)


class BodyShare:
    """The part of the room that a request has; ``limit_bytes`` is what its body may take."""

    __slots__ = ("_bytes", "_room", "limit_bytes")

    def __init__(self, room: BodyRoom) -> None:
        self.limit_bytes = room.limit_bytes
        self._room = room
        self._bytes = 0

    def grow(self, size: int) -> None:
        """Take ``size`` bytes more.

        Raises:
            OverloadedError: there is no room for it now.
        """
        self._bytes += size
        self._room.taken_bytes += size
        room_bytes = _LARGEST_BODIES * self._room.limit_bytes
        if self._bytes > _SMALL_BYTES and self._room.taken_bytes > room_bytes:
            message = "Too many large requests are under way; try again shortly."
            raise OverloadedError(message, code="bodies_full")

    def free(self) -> None:
        """Give it back; a second time does nothing."""
        self._room.taken_bytes -= self._bytes
        self._bytes = 0


async def read_body(scope: Scope, receive: Receive, share: BodyShare) -> bytes:
    """Return the whole body of a request, inflated if it is compressed; it counts in ``share``.

    Raises:
        HTTPException: 413; a declared length over the limit is refused before reading. 415: it
            is compressed in a way that is not known here.
        InvalidRequestError: it is not compressed as it says.
        OverloadedError: there is no room for it now.
        ClientDisconnectedError: the client left in the middle of it.
    """
    encoding = content_encoding(scope["headers"])
    body = await _read(scope, receive, share)
    if not encoding:
        return body
    inflated = await inflate(body, encoding, share.limit_bytes)
    share.grow(len(inflated))
    return inflated


async def _read(scope: Scope, receive: Receive, share: BodyShare) -> bytes:
    limit_bytes = share.limit_bytes
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
        share.grow(len(piece))
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
