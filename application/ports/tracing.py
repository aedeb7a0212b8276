"""The port to whatever keeps traces of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager


class Span(Protocol):
    """A piece of work in a trace."""

    def describe(self, name: str, attributes: Mapping[str, str | int]) -> None:
        """Give it its name and what is to be told of it."""
        ...

    def fail(self, kind: str) -> None:
        """Take note that it failed, and of what."""
        ...


class TracingPort(Protocol):
    """Keeps traces, and has whatever else takes part go on with them."""

    def request(self, headers: Iterable[tuple[bytes, bytes]]) -> AbstractContextManager[Span]:
        """Return a span for a request; while entered, what is asked of others is part of it.

        Args:
            headers: of the request; W3C's ``traceparent`` there names the trace to go on with.
        """
        ...

    async def aclose(self) -> None:
        """Send what has not been sent yet; the last call."""
        ...
