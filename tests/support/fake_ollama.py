"""A scripted Ollama on a real socket."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from tests.support import fake_ollama_answers as answers
from tests.support.fake_ollama_checks import Violation, check
from tests.support.fake_ollama_http import Ending, Flood, Reply, Request, read_request, reset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

_GET: Mapping[str, Callable[[], Reply]] = {
    "/": lambda: answers.plain("Ollama is running"),
    "/api/version": lambda: answers.answered({"version": answers.VERSION}),
    "/api/tags": answers.tags,
    "/api/ps": answers.running,
}
_POST: Mapping[str, Callable[[Mapping[str, Any]], Reply]] = {
    "/api/show": answers.show,
    "/api/chat": answers.chat,
    "/api/embed": answers.embed,
    "/api/generate": answers.generate,
    "/api/pull": answers.pull,
}
_DELETE: Mapping[str, Callable[[Mapping[str, Any]], Reply]] = {"/api/delete": answers.delete}

_FLOOD_PIECE = b"a" * 65536


class ContractViolationError(Exception):
    """A client sent requests that break Ollama's contract."""


class _ClientLeftError(Exception):
    """The client closed its connection before the reply was complete."""


class FakeOllama:
    """A small Ollama that answers well, unless told how to answer.

    Every request is held against Ollama's contract. Leaving the context raises
    ``ContractViolationError`` if one broke it, unless ``strict`` is False by then.

    Attributes:
        requests: all requests so far, in the order of their arrival.
        violations: broken rules so far, each a sentence.
        open: requests whose reply is not complete.
        connections: sockets accepted so far; two requests on one count once.
        hang_ups: clients that left before their reply was complete.
        flooded: bytes of floods that were sent.
        mischief: makes of a request and the reply that it would get the one that it gets.
    """

    def __init__(self, *, strict: bool = True, port: int = 0) -> None:
        self.strict = strict
        self.flooded = 0
        self.mischief: Callable[[Request, Reply], Reply] | None = None
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.open = 0
        self.connections = 0
        self.hang_ups = 0
        self._scripts: dict[str, deque[Reply]] = {}
        self._constant: dict[str, Reply] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._change = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._port = port

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()
        if error is None and self.strict and self.violations:
            raise ContractViolationError("; ".join(self.violations))

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://127.0.0.1:{self._port}"

    def script(self, path: str, *replies: Reply) -> None:
        """Answer the next requests to ``path`` with ``replies``, one each."""
        self._scripts.setdefault(path, deque()).extend(replies)

    def always(self, path: str, reply: Reply) -> None:
        """Answer each request to ``path`` with ``reply`` once its script is over."""
        self._constant[path] = reply

    def script_nothing(self) -> None:
        """Answer well again."""
        self._scripts.clear()
        self._constant.clear()

    def asked(self, path: str) -> list[Request]:
        """Return the requests to ``path`` so far."""
        return [request for request in self.requests if request.path == path]

    async def arrived(self, path: str, count: int = 1) -> None:
        """Wait until ``count`` requests to ``path`` have come in."""
        await self._until(lambda: len(self.asked(path)) >= count)

    async def begun(self, count: int) -> None:
        """Wait until ``count`` requests have come in, to any path."""
        await self._until(lambda: len(self.requests) >= count)

    async def idle(self) -> None:
        """Wait until no reply is under way."""
        await self._until(lambda: self.open == 0)

    async def hung_up(self, count: int = 1) -> None:
        """Wait until ``count`` clients have left before their reply was complete."""
        await self._until(lambda: self.hang_ups >= count)

    async def disconnected(self) -> None:
        """Wait until no client holds a connection, idle ones included."""
        await self._until(lambda: not self._serving)

    async def start(self) -> None:
        """Accept connections, after ``stop`` at the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Drop all connections and accept no more; does nothing the second time."""
        if self._server is None:
            return
        self._server.close()
        await self.drop()
        await self._server.wait_closed()
        self._server = None

    async def drop(self) -> None:
        """Drop all connections."""
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        endings = await asyncio.gather(*serving, return_exceptions=True)
        for ending in endings:
            if isinstance(ending, Exception):
                raise ending

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            await self._change.wait()

    def _changed(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        # A task that failed stays, so that ``stop`` can tell of it.
        if task.cancelled() or task.exception() is None:
            self._serving.discard(task)
        self._changed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (EOFError, ConnectionError):
            # The client closed a connection that it no longer needs.
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection can take another."""
        request = await read_request(reader)
        self.open += 1
        self.requests.append(request)
        self._changed()
        try:
            return await self._answer(self._reply(request), reader, writer)
        except (_ClientLeftError, ConnectionError):
            self.hang_ups += 1
            return False
        finally:
            self.open -= 1
            self._changed()

    def _reply(self, request: Request) -> Reply:
        reply = self._told(request)
        return self.mischief(request, reply) if self.mischief is not None else reply

    def _told(self, request: Request) -> Reply:
        violations = check(request)
        self.violations += [f"{request.method} {request.path}: {v.problem}" for v in violations]
        scripted = self._scripts.get(request.path)
        if scripted:
            return scripted.popleft()
        constant = self._constant.get(request.path)
        return constant or _noticed(violations) or self._default(request)

    def _default(self, request: Request) -> Reply:
        if request.method in {"GET", "HEAD"} and request.path in _GET:
            return _GET[request.path]()
        if request.method == "POST" and request.path in _POST:
            return _POST[request.path](request.json)
        if request.method == "DELETE" and request.path in _DELETE:
            return _DELETE[request.path](request.json)
        self.violations.append(f"{request.method} {request.path}: not an endpoint")
        known = request.path in _GET or request.path in _POST
        if known:
            return answers.plain("405 method not allowed", 405)
        return answers.plain("404 page not found", 404)

    async def _answer(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        # Nothing may come in before the reply is complete: a client that is done with us
        # shows as the end of its input.
        leaving = asyncio.create_task(reader.read(1))
        try:
            rest = await self._write_pieces(reply, writer, leaving)
            if reply.ending is Ending.HANG:
                await asyncio.wait((leaving,))
            _stay(leaving)
        finally:
            # Before the last bytes: they allow the client to send its next request.
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        if reply.ending is Ending.CLEAN:
            writer.write(rest + reply.tail)
            await writer.drain()
        elif reply.ending is Ending.RESET:
            reset(writer)
        return reply.ending is Ending.CLEAN

    async def _write_pieces(
        self, reply: Reply, writer: asyncio.StreamWriter, leaving: asyncio.Task[bytes]
    ) -> bytes:
        """Write each piece by itself; return what must go out last, and has not yet."""
        head = reply.head
        for number, piece in enumerate(reply.pieces, 1):
            if isinstance(piece, asyncio.Event):
                opening = asyncio.create_task(piece.wait())
                await asyncio.wait((opening, leaving), return_when=asyncio.FIRST_COMPLETED)
                opening.cancel()
            elif isinstance(piece, Flood):
                await self._flood(piece, reply, writer, leaving)
            elif number == len(reply.pieces) and reply.ends_with_its_pieces:
                return head + piece
            else:
                writer.write(head + reply.framed(piece))
                head = b""
                await writer.drain()
                # Two turns of the loop let a client in it read this piece before the next.
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            _stay(leaving)
        return head

    async def _flood(
        self,
        flood: Flood,
        reply: Reply,
        writer: asyncio.StreamWriter,
        leaving: asyncio.Task[bytes],
    ) -> None:
        sent = 0
        while sent < flood.size:
            writer.write(reply.framed(_FLOOD_PIECE))
            await writer.drain()
            # The other end may be slow to see that nobody reads; the loop is shared.
            await asyncio.sleep(0)
            _stay(leaving)
            sent += len(_FLOOD_PIECE)
            self.flooded += len(_FLOOD_PIECE)


def _noticed(violations: list[Violation]) -> Reply | None:
    """Return the answer of a server that notices the gravest violation, if it does."""
    if not violations or violations[0].status is None:
        return None
    return answers.failed(violations[0].status, violations[0].error)


def _stay(leaving: asyncio.Task[bytes]) -> None:
    """Raise if the client has left."""
    if leaving.done():
        raise _ClientLeftError
