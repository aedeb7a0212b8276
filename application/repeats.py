"""Requests that are made twice under one key, and answered once."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

from application.response_events import Ended
from domain.errors import ConflictError, InvalidRequestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from application.ports.store import ResponseStorePort
    from application.response_events import ResponseEvent, ResponseStream
    from domain.conversation import StoredResponse

DAY_S = 24 * 3600
# After so long without a response, the process that made it has died.
_MAKING_S = 3600 + 600


class Repeats:
    """Remembers for a day which response was made under which key of its owner."""

    def __init__(self, store: ResponseStorePort) -> None:
        self._store = store

    async def first(
        self, owner: str, key: str, body: str, response_id: str
    ) -> StoredResponse | None:
        """Return the response that was made under ``key``; None where it is to be made now.

        Args:
            owner: whose key it is.
            key: the client's own.
            body: a digest of the request.
            response_id: of the response that is made if there is none.

        Raises:
            ConflictError: it is being made.
            InvalidRequestError: the key was used for another request, or its response is gone.
        """
        mine = f"{response_id} {body}"
        making = await self._store.claim(owner, f"making:{key}", mine, _MAKING_S)
        claimed = await self._store.claim(owner, f"create:{key}", mine, DAY_S)
        if claimed == mine:
            return None
        made_id, _, made_of = claimed.partition(" ")
        if made_of != body:
            if making == mine:
                await self.made(owner, key)
            message = "The Idempotency-Key was used for another request; take a new one."
            raise InvalidRequestError(message, code="idempotency_key_reused")
        try:
            made = await self._store.get(owner, made_id)
        except NotFoundError as error:
            if making == mine:
                # Whoever began has died: from now on it is this one's.
                await self._store.release(owner, f"create:{key}")
                return await self.first(owner, key, body, response_id)
            message = "A request with this Idempotency-Key is being answered; try again shortly."
            raise ConflictError(message, code="idempotency_key_in_use") from error

        if making == mine:
            await self.made(owner, key)
        return made

    async def made(self, owner: str, key: str) -> None:
        """Remember that the response under ``key`` is kept."""
        await self._store.release(owner, f"making:{key}")

    async def forget(self, owner: str, key: str) -> None:
        """Let the next request under ``key`` be the first: this one failed."""
        await self._store.release(owner, f"create:{key}")
        await self._store.release(owner, f"making:{key}")

    @asynccontextmanager
    async def making(self, owner: str, key: str) -> AsyncGenerator[None]:
        """While entered, a response is made under ``key``; where that fails it is forgotten."""
        try:
            yield
        except BaseException:
            await self.forget(owner, key)
            raise
        await self.made(owner, key)


class KeyedStream:
    """A response under way that is made under a key; where it does not end that is forgotten."""

    def __init__(self, stream: ResponseStream, repeats: Repeats, named: tuple[str, str]) -> None:
        self._stream = stream
        self._repeats = repeats
        self._named = named
        self._made = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sequence[ResponseEvent]:
        batch = await anext(self._stream)
        if isinstance(batch[-1], Ended):
            self._made = True
            await self._repeats.made(*self._named)
        return batch

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            if not self._made:
                await self._repeats.forget(*self._named)
