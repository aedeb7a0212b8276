"""One model server behind one pool of connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from domain.errors import (
    UpstreamError,
    UpstreamProtocolError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# What an answer that is read whole may hold: model lists and details reach some hundreds of
# kilobytes, large batches of embeddings tens of megabytes.
WHOLE_LIMIT_BYTES = 128 * 1024 * 1024
# An error's text is a sentence; what is longer is of no use.
ERROR_LIMIT_BYTES = 64 * 1024

_OK = 200

_FAILURES = (httpx.HTTPError, aiohttp.ClientError, OSError)


class UpstreamResponse:
    """An answer whose body is still to be read; ``aclose`` gives the connection back."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        # An asynchronous transport gives asynchronous streams; httpx's type allows both.
        self._stream = cast("httpx.AsyncByteStream", response.stream)
        self._pieces: AsyncIterator[bytes] = aiter(self._stream)
        self._closed = False

    async def read(self) -> bytes:
        """Return what one read of the socket brought; empty at the end of the body.

        Raises:
            UpstreamError: the connection broke.
        """
        try:
            return await anext(self._pieces, b"")
        except _FAILURES as error:
            raise translate(error) from error

    async def read_whole(self, limit_bytes: int) -> bytes:
        """Return the rest of the body.

        Raises:
            UpstreamProtocolError: it is longer than ``limit_bytes``.
            UpstreamError: the connection broke.
        """
        pieces: list[bytes] = []
        size = 0
        while piece := await self.read():
            size += len(piece)
            if size > limit_bytes:
                message = "The model server's answer is too large."
                raise UpstreamProtocolError(message)
            pieces.append(piece)
        return b"".join(pieces)

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else cut it."""
        if self._closed:
            return
        self._closed = True
        await self._stream.aclose()


class Upstream:
    """Sends requests to the model server at ``base_url``.

    Environment proxies, cookies, redirects and compression are off: prompts go to the server
    that the operator named and nowhere else.
    """

    def __init__(self, base_url: str, *, connect_s: float = 2.0) -> None:
        self._base = base_url.rstrip("/")
        self._urls: dict[str, httpx.URL] = {}
        self._connect_s = connect_s
        self._transport = AiohttpTransport(trust_env=False, client=self._session)
        # Every header that aiohttp would otherwise make up is set here.
        self._headers = httpx.Headers(
            {"content-type": "application/json", "accept-encoding": "identity", "accept": "*/*"}
        )
        # Silence after the connection stands is bounded by the use case, which knows the phase.
        self._extensions = {"timeout": {"connect": connect_s, "read": None, "pool": None}}

    def _session(self) -> aiohttp.ClientSession:
        # Admission bounds the count of connections; 0 is aiohttp's word for no limit.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=15)
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )

    async def send(self, method: str, path: str, body: bytes | None = None) -> UpstreamResponse:
        """Send a request; the caller closes the response.

        Raises:
            UpstreamUnavailableError: the server cannot be reached.
            UpstreamProtocolError: it broke the connection or did not speak HTTP.
        """
        url = self._urls.get(path)
        if url is None:
            url = self._urls[path] = httpx.URL(self._base + path)
        request = httpx.Request(
            method, url, headers=self._headers, content=body, extensions=self._extensions
        )
        try:
            response = await self._transport.handle_async_request(request)
        except _FAILURES as error:
            raise translate(error) from error
        return UpstreamResponse(response)

    async def fetch(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request and return the answer's status and whole body.

        Raises:
            UpstreamError: as ``send``, or the body is too large.
        """
        response = await self.send(method, path, body)
        try:
            limit = WHOLE_LIMIT_BYTES if response.status == _OK else ERROR_LIMIT_BYTES
            return response.status, await response.read_whole(limit)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


def translate(error: Exception) -> UpstreamError:
    """Return the domain's word for a failure of the connection.

    httpx-aiohttp 0.2 reports a refused connection and a dropped one both as ``ConnectTimeout``;
    the aiohttp error underneath tells the two apart.
    """
    cause = error.__cause__ or error
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        message = "The model server cannot be reached."
        return UpstreamUnavailableError(message, code="upstream_unavailable")
    if isinstance(cause, TimeoutError):
        message = "The model server was silent for too long."
        return UpstreamTimeoutError(message, code="upstream_timeout")
    message = "The model server broke the connection."
    return UpstreamProtocolError(message, code="upstream_disconnected")
