"""Several model servers as one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from application.pool_server import PooledStream, Server
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

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
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


class PooledLLM:
    """Asks the server that has the model, and the conversation in its cache, if it is not too busy.

    Where a server fails before it has said anything the next one is asked, and never after.

    Args:
        servers: by names that are the same in every process.
        patience_s: how long a list of models is waited for, in seconds.
    """

    def __init__(self, servers: Mapping[str, LLMPort], patience_s: float = _PATIENCE_S) -> None:
        self._servers = [Server(name, llm, patience_s) for name, llm in servers.items()]
        self._until = 0.0
        self._looking: asyncio.Task[object] | None = None

    async def stream(self, request: ChatRequest) -> ChatStream:
        key = routing.conversation(request)
        return await self._open(request.model, key, lambda llm: llm.stream(request))

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        key = routing.prompt(request.model, request.prompt)
        return await self._open(request.model, key, lambda llm: llm.complete_prompt(request))

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        async def ask(server: Server) -> EmbedResult:
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
        async def open_at(server: Server) -> ChatStream:
            server.busy += 1
            stream: ChatStream | None = None
            try:
                stream = await begin(server.llm)
                return PooledStream(server, stream, await anext(stream))
            except BaseException:
                server.busy -= 1
                if stream is not None:
                    await stream.aclose()
                raise

        return await self._first(await self._order(model, key), open_at)

    async def _first(self, servers: Sequence[Server], ask: Callable[[Server], Awaitable[T]]) -> T:
        """Return what the first server that does not fail answers.

        Raises:
            ServiceError: all failed; one that could be reached has the word. That there is no such
                model is told only where each says so: another may have it.
        """
        failures: list[ServiceError] = []
        missing: list[NotFoundError] = []
        faults = 0
        for server in servers:
            try:
                return await ask(server)
            except NotFoundError as error:
                missing.append(error)
            except OverloadedError as error:
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
        raise (failures or missing)[0]

    async def _order(self, name: str, key: bytes) -> list[Server]:
        await self._refresh()
        model = canonical(name)
        servers = [server for server in self._servers if not server.lacks(model)]
        if not servers:
            # It may be there since they were looked at.
            await self._looked()
            servers = [server for server in self._servers if not server.lacks(model)]
        # Where none has it, the words for that are a server's own.
        servers = servers or self._servers[:1]
        candidates = [server.as_candidate(model) for server in servers]
        return [servers[place] for place in routing.order(candidates, key)]

    async def _refresh(self) -> None:
        """Look at what the servers have, at first and then beside the requests."""
        now = asyncio.get_running_loop().time()
        if now >= self._until:
            looked = self._looked()
            if not self._until:
                await looked

    def _looked(self) -> asyncio.Future[object]:
        """Look at what the servers have, unless that is under way; return what is done then."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look())
        return asyncio.shield(self._looking)

    async def _look(self) -> list[Sequence[ModelSummary] | ServiceError]:
        found = await asyncio.gather(*(server.look() for server in self._servers))
        self._until = asyncio.get_running_loop().time() + _KNOWN_S
        return found
