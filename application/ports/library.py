"""The port to a model server that keeps models on its disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from domain.models import PullProgress


class LibraryPort(Protocol):
    """A model server that fetches models from elsewhere."""

    async def version(self) -> str:
        """Return the server's version.

        Raises:
            UpstreamError: the server failed.
        """
        ...

    def pull(self, name: str) -> AsyncGenerator[PullProgress]:
        """Fetch a model; yield how far it is until it is there.

        Whoever leaves before the end closes the generator: the server stops then, and goes on
        from there another time.

        Raises:
            InvalidRequestError: the name is none.
            NotFoundError: there is no such model to fetch (code ``model_not_found``).
            UpstreamError: the server failed, or could not fetch it.
        """
        ...

    async def aclose(self) -> None:
        """Free connections; the last call."""
        ...
