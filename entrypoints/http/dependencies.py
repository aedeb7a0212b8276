"""The container's providers as Litestar's dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from litestar.di import Provide

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def provide(provider: Callable[[], T]) -> Provide:
    """Wrap ``provider``: Litestar reads signatures, and one of the container's has none."""

    def resolve() -> object:
        return provider()

    return Provide(resolve, sync_to_thread=False)
