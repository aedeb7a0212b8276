"""Several model servers as one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Self, TypeVar

from domain import routing
from domain.errors import (
    NotFoundError,
    OverloadedError,
    ServiceError,
    UpstreamError,
    UpstreamTimeoutError,
    UpstreamUnavailableError,
)
from domain.models import canonical
from domain.routing import Candidate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.events import ChatEvent
    from domain.models import ModelDetails, ModelSummary

T = TypeVar("T")

# What servers have in memory changes by the minute; a look at it costs two small requests.
_KNOWN_S = 5.0
# A server that lists its models more slowly counts as unreachable.
_PATIENCE_S = 2.0
# Where a request may have been the cause, it does not bring down one server after another.
_MOST_FAULTS = 2


def pooled(servers: Mapping[str, LLMPort]) -> LLMPort:
    """Return the servers, by names that are the same in every process, as one."""
    if len(servers) == 1:
        return next(iter(servers.values()))
    return PooledLLM(servers)


class _Server:
    """A server, what it has to do, and which models it has (those in memory True)."""

    def __init__(self, name: str, llm: LLMPort, patience_s: float) -> None:
        self._patience_s = patience_s
        self.name = name
        self.llm = llm
        self.busy = 0
        self.models: Mapping[str, bool] | None = None

    async def look(self) -> Sequence[ModelSummary] | ServiceError:
        """Return the models that there are, or why they cannot be learnt; keep what matters."""
        try:
            async with asyncio.timeout(self._patience_s):
                models = await self.llm.list_models()
        except ServiceError as error:
            self.models = None
            return error
        except TimeoutError:
            self.models = None
            message = "The model server does not answer."
            return UpstreamTimeoutError(message, code="upstream_timeout")
        # Where a server does not say, its models are there from its start.
        self.models = {canonical(one.name): one.loaded is not False for one in models}
        return models

    def lacks(self, model: str) -> bool:
        """Return whether the server is known not to have a model."""
        return self.models is not None and model not in self.models

    def as_candidate(self, model: str) -> Candidate:
        """Return what the order goes by."""
        known = self.models is not None
        loaded = self.models[model] if self.models is not None and model in self.models else True
        return Candidate(self.name, self.busy, loaded=loaded, known=known)


class PooledLLM:
    """Asks the server that has the model, and the conversation in its cache, if it is not too busy.

    Where a server fails before it has said anything the next one is asked, and never after.

    Args:
        servers: by names that are the same in every process.
        patience_s: how long a list of models is waited for, in seconds.
    """

    def __init__(self, servers: Mapping[str, LLMPort], patience_s: float = _PATIENCE_S) -> None:
        self._servers = [_Server(name, llm, patience_s) for name, llm in servers.items()]
        self._until = 0.0
        self._looking: asyncio.Task[object] | None = None

    async def stream(self, request: ChatRequest) -> ChatStream:
        key = routing.conversation(request)
        return await self._open(request.model, key, lambda llm: llm.stream(request))

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        key = routing.prompt(request.model, request.prompt)
        return await self._open(request.model, key, lambda llm: llm.complete_prompt(request))

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        async def ask(server: _Server) -> EmbedResult:
            server.busy += 1
            try:
                return await server.llm.embed(request)
            finally:
                server.busy -= 1

        key = routing.prompt(request.model, request.texts[0])
        return await self._first(await self._order(request.model, key), ask)

    async def list_models(self) -> Sequence[ModelSummary]:
        merged: dict[str, ModelSummary] = {}
        failures: list[ServiceError] = []
        for found in await self._look():
            if isinstance(found, ServiceError):
                failures.append(found)
                continue
            for model in found:
                other = merged.setdefault(canonical(model.name), model)
                if model.loaded and not other.loaded:
                    merged[canonical(model.name)] = replace(other, loaded=True)
        if len(failures) == len(self._servers):
            raise failures[0]
        return sorted(merged.values(), key=lambda model: model.created, reverse=True)

    async def show_model(self, name: str) -> ModelDetails:
        servers = await self._order(name, b"")
        return await self._first(servers, lambda server: server.llm.show_model(name))

    async def delete_model(self, name: str) -> None:
        servers = await self._order(name, b"")
        self._until = 0.0
        missing: list[NotFoundError] = []
        for server in servers:
            try:
                await server.llm.delete_model(name)
            except NotFoundError as error:
                missing.append(error)
        if len(missing) == len(servers):
            raise missing[0]

    async def check(self) -> None:
        checks = [asyncio.ensure_future(server.llm.check()) for server in self._servers]
        failures: list[ServiceError] = []
        try:
            for check in asyncio.as_completed(checks):
                try:
                    return await check
                except ServiceError as error:
                    failures.append(error)
        finally:
            for one in checks:
                one.cancel()
            await asyncio.gather(*checks, return_exceptions=True)
        raise failures[0]

    async def aclose(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        for server in self._servers:
            await server.llm.aclose()

    async def _open(
        self, model: str, key: bytes, begin: Callable[[LLMPort], Awaitable[ChatStream]]
    ) -> ChatStream:
        async def open_at(server: _Server) -> ChatStream:
            server.busy += 1
            stream: ChatStream | None = None
            try:
                stream = await begin(server.llm)
                return _PooledStream(server, stream, await anext(stream))
            except BaseException:
                server.busy -= 1
                if stream is not None:
                    await stream.aclose()
                raise

        return await self._first(await self._order(model, key), open_at)

    async def _first(self, servers: Sequence[_Server], ask: Callable[[_Server], Awaitable[T]]) -> T:
        """Return what the first server that does not fail answers.

        Raises:
            ServiceError: all failed; one that could be reached has the word.
        """
        failures: list[ServiceError] = []
        faults = 0
        for server in servers:
            try:
                return await ask(server)
            except (OverloadedError, NotFoundError) as error:
                failures.insert(0, error)
            except UpstreamUnavailableError as error:
                server.models = None
                failures.append(error)
            except UpstreamTimeoutError:
                # The time is up.
                raise
            except UpstreamError as error:
                server.models = None
                failures.insert(0, error)
                faults += 1
                if faults == _MOST_FAULTS:
                    break
        raise failures[0]

    async def _order(self, name: str, key: bytes) -> list[_Server]:
        await self._refresh()
        model = canonical(name)
        # Where none has it, the words for that are a server's own.
        servers = [server for server in self._servers if not server.lacks(model)]
        servers = servers or self._servers[:1]
        candidates = [server.as_candidate(model) for server in servers]
        return [servers[place] for place in routing.order(candidates, key)]

    async def _refresh(self) -> None:
        """Look at what the servers have, at first and then beside the requests."""
        now = asyncio.get_running_loop().time()
        if now >= self._until and (self._looking is None or self._looking.done()):
            self._looking = asyncio.ensure_future(self._look())
        if not self._until and self._looking is not None:
            await asyncio.shield(self._looking)

    async def _look(self) -> list[Sequence[ModelSummary] | ServiceError]:
        found = await asyncio.gather(*(server.look() for server in self._servers))
        self._until = asyncio.get_running_loop().time() + _KNOWN_S
        return found


class _PooledStream:
    """An answer whose first events are at hand; its server counts it until it is closed."""

    def __init__(self, server: _Server, stream: ChatStream, first: Sequence[ChatEvent]) -> None:
        self._server: _Server | None = server
        self._stream = stream
        self._first: Sequence[ChatEvent] | None = first

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ChatEvent]:
        first = self._first
        if first is None:
            return await anext(self._stream)
        self._first = None
        return first

    async def aclose(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            try:
                await self._stream.aclose()
            finally:
                server.busy -= 1
