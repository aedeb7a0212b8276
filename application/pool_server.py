"""One of several model servers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

from domain.errors import ServiceError, UpstreamTimeoutError
from domain.models import canonical
from domain.routing import Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from application.ports.llm import ChatStream, LLMPort
    from domain.events import ChatEvent
    from domain.models import ModelSummary


class Server:
    """A server, what it has to do, and which models it has.

    Args:
        name: the same in every process.
        llm: asks it.
        patience_s: how long a list of models is waited for, in seconds.

    Attributes:
        busy: answers under way there.
        models: what it has, those in memory True; None where that is not known.
    """

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


class PooledStream:
    """An answer whose first events are at hand; its server counts it until it is closed."""

    def __init__(self, server: Server, stream: ChatStream, first: Sequence[ChatEvent]) -> None:
        self._server: Server | None = server
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
        """Close the answer; a second time does nothing."""
        if self._server is not None:
            server, self._server = self._server, None
            try:
                await self._stream.aclose()
            finally:
                server.busy -= 1
