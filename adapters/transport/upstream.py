"""One model server behind one pool of connections."""

from __future__ import annotations

import asyncio
import ssl
from contextvars import ContextVar
from urllib.parse import urlsplit

from adapters.transport.circuit import Circuit
from adapters.transport.connection import Connection
from adapters.transport.response import UpstreamResponse
from domain.errors import UpstreamError, UpstreamUnavailableError

_IDLE_S = 15.0

# Header lines of the request at hand beside those that every one has, each with its end.
MORE_HEADERS: ContextVar[bytes] = ContextVar("more_headers", default=b"")


class Upstream:
    """Sends requests to the model server at ``base_url``, such as ``http://localhost:11434``.

    Args:
        base_url: where it is.
        connect_s: how long a connection may take, in seconds.
        key: sent as ``Authorization: Bearer``; empty for none.
        reuse: whether a connection may serve several requests. Some servers close theirs after
            an answer without having said so, and the next request is lost between the two.

    Attributes:
        circuit: whether the server is worth asking.
        answered: requests that it answered, whatever it said.
        unanswered: requests that it could not be reached for, or did not answer in HTTP.
    """

    def __init__(
        self, base_url: str, *, connect_s: float = 2.0, key: str = "", reuse: bool = True
    ) -> None:
        self.circuit = Circuit()
        self.answered = self.unanswered = 0
        parts = urlsplit(base_url)
        secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if secure else 80)
        self._tls = ssl.create_default_context() if secure else None
        self._connect_s = connect_s
        self._prefix = parts.path.rstrip("/")
        self._host_line = f"\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
        if not reuse:
            self._host_line += "Connection: close\r\n"
        if key:
            self._host_line += f"Authorization: Bearer {key}\r\n"
        self._heads: dict[tuple[str, str], bytes] = {}
        self._idle: list[tuple[Connection, asyncio.TimerHandle]] = []

    @property
    def is_left_alone(self) -> bool:
        """Whether it failed several times in a row, and has not answered since."""
        return self.circuit.is_open

    async def send(self, method: str, path: str, body: bytes | None = None) -> UpstreamResponse:
        """Send a request and await the head of its answer; the caller closes the response.

        Nothing is sent twice: a request that was lost may have been answered.

        Raises:
            UpstreamUnavailableError: the server cannot be reached, or is left alone for a while
                after it could not (code ``upstream_circuit_open``).
            UpstreamProtocolError: it broke the connection or did not speak HTTP.
        """
        if self.circuit.is_open and (wait_s := self.circuit.wait_s(_now())):
            raise _left_alone(wait_s)
        return await self._send(method, path, body)

    async def probe(self, path: str) -> tuple[int, bytes]:
        """Fetch ``path`` even from a server that is left alone; an answer ends that.

        Raises:
            UpstreamUnavailableError: as ``send``.
            UpstreamError: as ``fetch``.
        """
        try:
            response = await self._send("GET", path, None)
        except UpstreamError as error:
            if self.circuit.is_open:
                raise _left_alone(self.circuit.remaining_s(_now())) from error
            raise
        return response.status, await response.whole()

    async def fetch(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request and return the answer's status and whole body.

        Raises:
            UpstreamError: as ``send``, or the body is too large.
        """
        response = await self.send(method, path, body)
        return response.status, await response.whole()

    async def aclose(self) -> None:
        """Close the connections that are not in use."""
        while self._idle:
            connection, timer = self._idle.pop()
            timer.cancel()
            connection.idle(None)
            connection.cut()

    async def _send(self, method: str, path: str, body: bytes | None) -> UpstreamResponse:
        connection = None
        try:
            connection = self._take() or await self._connect()
            connection.send(self._head(method, path, body) + (body or b""))
            await connection.head()
        except BaseException as error:
            if connection is not None:
                connection.cut()
            if isinstance(error, UpstreamError):
                self.unanswered += 1
                self.circuit.failed(_now())
            raise
        self.answered += 1
        if self.circuit.failures:
            self.circuit.answered()
        return UpstreamResponse(connection, self._give_back)

    def _head(self, method: str, path: str, body: bytes | None) -> bytes:
        head = self._heads.get((method, path))
        if head is None:
            line = f"{method} {self._prefix}{path} HTTP/1.1{self._host_line}"
            head = self._heads[method, path] = (line + "Accept-Encoding: identity\r\n").encode()
        head += MORE_HEADERS.get()
        if body is None:
            return head + b"\r\n"
        return b"%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (head, len(body))

    async def _connect(self) -> Connection:
        try:
            async with asyncio.timeout(self._connect_s):
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError) as error:
            message = (
                "The model server cannot be reached; where this service runs, "
                "`local-chat doctor` says how to mend it."
            )
            raise UpstreamUnavailableError(message, code="upstream_unavailable") from error
        return connection

    def _take(self) -> Connection | None:
        while self._idle:
            connection, timer = self._idle.pop()
            timer.cancel()
            connection.idle(None)
            if connection.reusable() and connection.quiet():
                return connection
            connection.cut()
        return None

    def _give_back(self, connection: Connection) -> None:
        if not connection.reusable():
            connection.cut()
            return

        def forget() -> None:
            timer.cancel()
            self._idle = [entry for entry in self._idle if entry[0] is not connection]
            connection.cut()

        timer = asyncio.get_running_loop().call_later(_IDLE_S, forget)
        connection.idle(forget)
        self._idle.append((connection, timer))


def _now() -> float:
    return asyncio.get_running_loop().time()


def _left_alone(wait_s: float) -> UpstreamUnavailableError:
    message = "The model server failed several times in a row; it is tried again shortly."
    return UpstreamUnavailableError(message, code="upstream_circuit_open", retry_after_s=wait_s)
