"""The connection to a Valkey server, and its failures."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from adapters.stores.errors import failed, full

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Sequence

    from domain.errors import StoreError

Word: TypeAlias = str | bytes | int

_CONNECTIONS = 32
_CONNECT_S = 2
_ANSWER_S = 5

# Subclasses first: the first match counts.
_PROBLEMS = (
    (exceptions.AuthenticationError, "is a server that refuses this service's password"),
    (exceptions.BusyLoadingError, "is a server that is still starting"),
    (exceptions.ConnectionError, "is a server that cannot be reached"),
    (exceptions.TimeoutError, "is a server that does not answer in time"),
    (exceptions.OutOfMemoryError, "is a server that has no memory left"),
    (exceptions.ReadOnlyError, "is a replica, which takes no writes"),
    (exceptions.NoPermissionError, "is a server on which this service may not do what it must"),
    (OSError, "is a server that cannot be reached"),
)


class _Client(Protocol):
    """What is used of redis-py's client, which does not give its types."""

    def execute_command(self, *words: Word) -> Awaitable[Any]: ...

    def aclose(self) -> Awaitable[None]: ...


class Server:
    """A Valkey server; it is connected to when it is first asked.

    ``url`` has the scheme ``redis`` or ``valkey``, with an ``s`` for TLS, or ``unix``.
    """

    def __init__(self, url: str) -> None:
        scheme, sign, rest = url.partition("://")
        pool = BlockingConnectionPool.from_url(  # pyright: ignore[reportUnknownMemberType] - **kwargs
            scheme.replace("valkey", "redis") + sign + rest,
            max_connections=_CONNECTIONS,
            timeout=_ANSWER_S,
            socket_connect_timeout=_CONNECT_S,
            socket_timeout=_ANSWER_S,
            # Nothing is asked twice: what went out may have been done although no answer came,
            # and records would be there twice. A connection that broke idle is replaced anyway.
            retry=Retry(NoBackoff(), 0),
            # With version 3, redis-py 8 takes a broken idle connection for one with news on it.
            protocol=2,
        )
        self._client: _Client = Redis.from_pool(pool)

    async def aclose(self) -> None:
        """Close the connections; a second time does nothing."""
        await self._client.aclose()

    async def run(self, script: str, keys: Sequence[str], *values: Word) -> Any:  # noqa: ANN401 - its own
        """Return what a script answers.

        Raises:
            StoreError: the server fails, or refuses.
        """
        with _told():
            try:
                return await self._client.execute_command(
                    "EVALSHA", _digest(script), len(keys), *keys, *values
                )
            except exceptions.NoScriptError:
                # A new server, or one that was told to forget them. Nothing was done yet.
                return await self._client.execute_command("EVAL", script, len(keys), *keys, *values)

    async def ask(self, command: str, *values: Word) -> Any:  # noqa: ANN401 - its own
        """Return what a command answers.

        Raises:
            StoreError: the server fails, or refuses.
        """
        with _told():
            return await self._client.execute_command(command, *values)


@functools.cache
def _digest(script: str) -> str:
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()


@contextlib.contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except (exceptions.RedisError, OSError) as error:
        raise store_error(error) from error


def store_error(error: Exception) -> StoreError:
    """Return what to raise for ``error``."""
    if isinstance(error, exceptions.ResponseError) and str(error).startswith("FULL"):
        return full()
    # What a server says while it is being connected to comes wrapped.
    cause = error.__cause__ if isinstance(error.__cause__, exceptions.RedisError) else error
    for kind, what in _PROBLEMS:
        if isinstance(cause, kind):
            return failed(what)
    return failed("is a server that failed; the log says why")
