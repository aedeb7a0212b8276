"""What the service shows of itself, as families of Prometheus's.

Names are those of OpenTelemetry's conventions, as Prometheus spells them, where there is one.
Labels have values from closed sets only: routes, methods, statuses, codes of errors, addresses
of model servers, and models that these have. What clients make up is counted under one value.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol, TypeAlias

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from application.figures import Figures
from application.watched_store import StoreFigures
from entrypoints.http.loop_lag import LoopLag
from entrypoints.http.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from application.admission import Admission
    from application.figures import Distribution

Labels: TypeAlias = tuple[str, ...]


class ModelServer(Protocol):
    """What is known of a model server."""

    @property
    def answered(self) -> int:
        """Requests that it answered, whatever it said."""
        ...

    @property
    def unanswered(self) -> int:
        """Requests that it did not answer."""
        ...

    @property
    def is_left_alone(self) -> bool:
        """Whether it failed several times in a row, and has not answered since."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures are.

    Attributes:
        provider: what runs the models.
        servers: those that run them, by their addresses.
    """

    provider: str
    figures: Figures
    store: StoreFigures
    traffic: Traffic
    lag: LoopLag
    servers: Mapping[str, ModelServer]


class ServiceFigures(Collector):
    """Reads the figures when they are asked for."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Return every metric with its samples."""
        yield from self._http()
        yield from self._models()
        yield from self._servers()
        yield from self._store()
        yield _histogram(
            "local_chat_event_loop_lag_seconds",
            "How late the event loop comes to what is due.",
            (),
            [((), self._sources.lag.delays)],
        )
        yield _gauge("local_chat_tasks", "Tasks of the event loop.", len(asyncio.all_tasks()))

    def _http(self) -> Iterator[Metric]:
        traffic = self._sources.traffic
        route = ("http_request_method", "http_route")
        yield _counter(
            "http_server_requests",
            "Requests that were answered, or left by their clients (499).",
            (*route, "http_response_status_code"),
            {
                (verb, path, str(code)): of.count
                for (verb, path, code), of in traffic.answered.items()
            },
        )
        yield _histogram(
            "http_server_request_duration_seconds",
            "From a request's head to the end of its answer; of a WebSocket, to its close.",
            route,
            traffic.durations.items(),
        )
        yield _gauge("http_server_active_requests", "Requests under way.", traffic.active)
        streams = GaugeMetricFamily(
            "local_chat_open_streams", "Streams to clients that are open.", labels=["transport"]
        )
        streams.add_metric(["sse"], traffic.streams)
        streams.add_metric(["websocket"], traffic.sockets)
        yield streams
        yield _counter(
            "local_chat_clients_left",
            "Requests whose client went away before the end.",
            ("http_route",),
            {(path,): n for path, n in traffic.left.items()},
        )

    def _models(self) -> Iterator[Metric]:
        provider, figures = self._sources.provider, self._sources.figures
        names = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
        answered = [
            ((operation, provider, model), of)
            for (operation, model), of in figures.answered.items()
        ]
        yield _histogram(
            "gen_ai_server_request_duration_seconds",
            "From a question to the end of its answer, the wait for a place included.",
            names,
            [(key, of.duration) for key, of in answered],
        )
        yield _histogram(
            "gen_ai_server_time_to_first_token_seconds",
            "From a question to the first token, the wait for a place included.",
            names,
            [(key, of.first_token) for key, of in answered if any(of.first_token.counts)],
        )
        yield _histogram(
            "gen_ai_server_time_per_output_token_seconds",
            "Between two tokens, on average over an answer, after the first.",
            names,
            [(key, of.per_token) for key, of in answered if any(of.per_token.counts)],
        )
        yield _histogram(
            "gen_ai_client_token_usage",
            "Tokens of an answer, and of what was asked.",
            (*names, "gen_ai_token_type"),
            [
                ((*key, kind), tokens)
                for key, of in answered
                for kind, tokens in (("input", of.tokens_in), ("output", of.tokens_out))
                if any(tokens.counts)
            ],
        )
        yield _counter(
            "local_chat_upstream_errors",
            "Failures of the model server.",
            ("error_type",),
            {(code,): n for code, n in figures.failures.items()},
        )
        yield _counter(
            "local_chat_answers_abandoned",
            "Answers that were stopped before they were complete.",
            (),
            {(): figures.abandoned},
        )

    def _servers(self) -> Iterator[Metric]:
        servers = self._sources.servers.items()
        label = ("upstream",)
        yield _counter(
            "local_chat_upstream_answered",
            "Requests that a model server answered, whatever it said.",
            label,
            {(url,): server.answered for url, server in servers},
        )
        yield _counter(
            "local_chat_upstream_unanswered",
            "Requests that a model server could not be reached for, or left without an answer.",
            label,
            {(url,): server.unanswered for url, server in servers},
        )
        alone = GaugeMetricFamily(
            "local_chat_upstream_left_alone",
            "1 where a model server failed several times in a row and has not answered since.",
            labels=label,
        )
        for url, server in servers:
            alone.add_metric((url,), float(server.is_left_alone))
        yield alone

    def _store(self) -> Iterator[Metric]:
        store = self._sources.store
        yield _histogram(
            "local_chat_store_operation_duration_seconds",
            "What the store of responses was asked.",
            ("operation",),
            [((operation,), times) for operation, times in store.durations.items()],
        )
        yield _counter(
            "local_chat_store_errors",
            "Failures of the store of responses.",
            ("operation", "error_type"),
            dict(store.failures.items()),
        )


class Queue(Collector):
    """Reads how the places stand when that is asked for."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission

    def collect(self) -> Iterator[Metric]:
        """Return every metric with its samples."""
        admission = self._admission
        for name, told, value in (
            ("running_answers", "Answers under way.", admission.running),
            ("running_answers_limit", "Answers that may be under way.", admission.places),
            ("queue_depth", "Requests that wait for a place.", admission.waiting),
            ("queue_limit", "Requests that may wait for a place.", admission.line),
        ):
            yield _gauge(f"local_chat_{name}", told, value)
        yield _histogram(
            "local_chat_queue_wait_seconds",
            "How long answers waited for a place.",
            (),
            [((), admission.waits)],
        )
        yield _counter(
            "local_chat_queue_refusals",
            "Requests that got no place.",
            ("error_type",),
            {(code,): n for code, n in admission.refusals.items()},
        )


def _counter(name: str, told: str, labels: Labels, counts: Mapping[Labels, int]) -> Metric:
    family = CounterMetricFamily(name, told, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _gauge(name: str, told: str, value: int) -> Metric:
    return GaugeMetricFamily(name, told, value)


def _histogram(
    name: str, told: str, labels: Labels, of: Iterable[tuple[Labels, Distribution]]
) -> Metric:
    family = HistogramMetricFamily(name, told, labels=labels)
    for values, distribution in of:
        bounds = [*(str(float(bound)) for bound in distribution.bounds), "+Inf"]
        counts = accumulate(distribution.counts)
        family.add_metric(values, list(zip(bounds, counts, strict=True)), distribution.total)
    return family
