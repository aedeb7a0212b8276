"""GET /metrics: the figures of the service in Prometheus's text format."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from entrypoints.http import sums
from entrypoints.http.auth import check_all_models
from entrypoints.http.collectors import Queue, ServiceFigures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from application.admission import Admission
    from entrypoints.http.collectors import Sources

PATH = "/metrics"


class Exposition:
    """Shows the figures, and those of the process.

    Args:
        sources: where they are.
        admission: the places of this process; None where they are another's.
        together: gives the figures of all processes that serve; None where this is the one.
    """

    def __init__(
        self,
        sources: Sources,
        admission: Admission | None,
        together: Callable[[], Awaitable[bytes]] | None = None,
    ) -> None:
        self._together = together
        self._registry = CollectorRegistry()
        self._registry.register(ServiceFigures(sources))
        if admission is not None:
            self._registry.register(Queue(admission))
        ProcessCollector("", lambda: "self", "/proc", self._registry)
        PlatformCollector(self._registry)
        GCCollector(self._registry)

    async def text(self) -> bytes:
        """Return them as of now."""
        if self._together is None:
            return generate_latest(self._registry)
        return sums.shown(await self._together())

    def taken(self) -> bytes:
        """Return those of this process as of now, to be sent."""
        return sums.taken(self._registry)


def shared(admission: Admission) -> sums.Sums:
    """Return what adds up the figures of processes that share these places."""
    registry = CollectorRegistry()
    registry.register(Queue(admission))
    return sums.Sums(partial(sums.taken, registry))


@get(PATH, include_in_schema=False)
async def metrics(
    exposition: NamedDependency[Exposition], request: Request[None, None, State]
) -> Response[bytes]:
    """Return the figures of the service."""
    check_all_models(request.scope)
    return Response(await exposition.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
