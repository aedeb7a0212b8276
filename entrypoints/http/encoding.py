"""Bodies that come compressed, inflated within bounds."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

import zstandard
from litestar.exceptions import HTTPException

from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_TOO_LARGE = 413
_UNKNOWN = 415
_GZIP = 16 + zlib.MAX_WBITS
# What the highest of zstd's usual levels needs; memory for a frame is taken by its word.
_WINDOW_BYTES = 8 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024


def content_encoding(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return how a body is compressed, by its name in HTTP; empty where it is not.

    Raises:
        HTTPException: 415: in a way that is not known here.
    """
    for name, value in headers:
        if name == b"content-encoding":
            encoding = value.decode("latin-1").strip().lower()
            if encoding in ("", "identity"):
                return ""
            if encoding not in _INFLATERS:
                supported = ", ".join(_INFLATERS)
                message = f"Bodies are taken as they are, or compressed as one of: {supported}."
                headers_ = {"accept-encoding": supported}
                raise HTTPException(message, status_code=_UNKNOWN, headers=headers_)
            return encoding
    return ""


async def inflate(body: bytes, encoding: str, limit_bytes: int) -> bytes:
    """Return what a compressed body holds; the event loop goes on meanwhile.

    Raises:
        HTTPException: 413: it holds more than ``limit_bytes``, or needs too much memory.
        InvalidRequestError: it is not compressed in this way, or not whole.
    """
    return await asyncio.to_thread(_INFLATERS[encoding], body, limit_bytes)


def _gzip(body: bytes, limit_bytes: int) -> bytes:
    decoder = zlib.decompressobj(_GZIP)
    try:
        data = decoder.decompress(body, limit_bytes + 1)
    except zlib.error as error:
        raise _broken() from error
    _check(len(data), limit_bytes)
    if not decoder.eof or decoder.unused_data:
        raise _broken()
    return data


def _zstd(body: bytes, limit_bytes: int) -> bytes:
    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
    pieces: list[bytes] = []
    size = 0
    try:
        with decoder.stream_reader(body, read_across_frames=True) as reader:
            while piece := reader.read(_PIECE_BYTES):
                size += len(piece)
                _check(size, limit_bytes)
                pieces.append(piece)
    except zstandard.ZstdError as error:
        raise _broken() from error
    # The reader says nothing of a frame that is cut; one that is cut later is no JSON.
    if not pieces:
        raise _broken()
    return b"".join(pieces)


_INFLATERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "zstd": _zstd,
}


def _check(size: int, limit_bytes: int) -> None:
    if size > limit_bytes:
        raise HTTPException(status_code=_TOO_LARGE)


def _broken() -> InvalidRequestError:
    message = "The body is not what its 'Content-Encoding' says, or not whole."
    return InvalidRequestError(message, code="invalid_encoding")
