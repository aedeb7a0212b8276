"""What is counted of requests."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from application.figures import DURATION_S, UNKNOWN, Distribution
from entrypoints.http.calls import method

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar.types import Scope

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# OpenTelemetry's word for methods that are none.
_OTHER = "_OTHER"

# What marks an answer as a stream; whoever streams sends just this.
EVENT_STREAM = (b"content-type", b"text/event-stream; charset=utf-8")


class Answered:
    """Requests of one method, route and status.

    Attributes:
        count: how many there were.
        durations: their seconds, together with those of other statuses.
    """

    __slots__ = ("count", "durations")

    def __init__(self, durations: Distribution) -> None:
        self.count = 0
        self.durations = durations


class Traffic:
    """Requests, under way and answered, by method and route.

    Attributes:
        paths: the routes that have no parameters.
        active: requests under way, WebSockets among them.
        streams: answers under way that are streams of events.
        sockets: WebSockets that are open.
        answered: by method, route and status.
        durations: seconds by method and route.
        left: requests whose client did not wait for the end, by route.
    """

    def __init__(self) -> None:
        self.paths: frozenset[str] = frozenset()
        self.active = 0
        self.streams = 0
        self.sockets = 0
        self.answered: dict[tuple[str, str, int], Answered] = {}
        self.durations: dict[tuple[str, str], Distribution] = {}
        self.left: Counter[str] = Counter()

    def method(self, scope: Scope) -> str:
        """Return a request's method, or one word for all that are none."""
        verb = method(scope)
        return verb if verb in _METHODS else _OTHER

    def route(self, scope: Scope) -> str:
        """Return the template of a request's path, or ``UNKNOWN``."""
        # The framework leaves the template where it came to one; nobody else does.
        found = cast("Mapping[str, str]", scope).get("path_template")
        if found is None:
            path = scope["path"]
            found = path if path in self.paths else UNKNOWN
        return found

    def ended(self, scope: Scope, status: int, seconds: float, *, left: bool) -> None:
        """Count a request that is over."""
        route = self.route(scope)
        answered = self._answered(self.method(scope), route, status)
        answered.count += 1
        answered.durations.add(seconds)
        if left:
            self.left[route] += 1

    def _answered(self, verb: str, route: str, status: int) -> Answered:
        found = self.answered.get((verb, route, status))
        if found is not None:
            return found
        durations = self.durations.get((verb, route))
        if durations is None:
            durations = self.durations[verb, route] = Distribution(DURATION_S)
        return self.answered.setdefault((verb, route, status), Answered(durations))
