"""The figures of several processes, added up as those of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

# What is no amount: of these the least counts, or the greatest.
_LEAST = frozenset({"process_start_time_seconds"})
_GREATEST = frozenset({"python_info", "process_max_fds", "local_chat_upstream_left_alone"})
# What a process that ended has done stays done.
_LASTING = frozenset({"counter", "histogram"})


class Sample(msgspec.Struct, array_like=True):
    """One number."""

    name: str
    labels: dict[str, str]
    value: float


class Family(msgspec.Struct, array_like=True):
    """A metric with its samples; ``kind`` as Prometheus calls it."""

    name: str
    told: str
    kind: str
    samples: list[Sample]


def taken(registry: CollectorRegistry) -> bytes:
    """Return what a registry shows as of now, to be sent."""
    families = [
        Family(
            metric.name,
            metric.documentation,
            metric.type,
            [Sample(sample.name, sample.labels, sample.value) for sample in metric.samples],
        )
        for metric in registry.collect()
    ]
    return msgspec.json.encode(families)


def shown(figures: bytes) -> bytes:
    """Return what was sent in Prometheus's text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Sent(_decoder.decode(figures)))
    return generate_latest(registry)


class Sums:
    """Adds up; what workers that ended have counted is not lost.

    Args:
        own: gives figures that are not the workers'.
    """

    def __init__(self, own: Callable[[], bytes]) -> None:
        self._own = own
        self._gone: list[Family] = []

    def retire(self, figures: bytes) -> None:
        """Keep what has to last of the figures of a worker that is no more."""
        lasting = [each for each in _decoder.decode(figures) if each.kind in _LASTING]
        self._gone = _sum([*self._gone, *lasting])

    def add_up(self, figures: Sequence[bytes]) -> bytes:
        """Return the figures of workers as those of one process."""
        living = [each for one in (self._own(), *figures) for each in _decoder.decode(one)]
        # In this order of which the living have all names, so that nothing moves.
        return msgspec.json.encode(_sum([*living, *self._gone]))


_decoder = msgspec.json.Decoder(list[Family])


def _sum(families: Iterable[Family]) -> list[Family]:
    found: dict[str, Family] = {}
    samples: dict[tuple[str, frozenset[tuple[str, str]]], Sample] = {}
    for family in families:
        into = found.get(family.name)
        if into is None:
            into = found[family.name] = Family(family.name, family.told, family.kind, [])
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            before = samples.get(key)
            if before is None:
                samples[key] = fresh = Sample(sample.name, sample.labels, sample.value)
                into.samples.append(fresh)
            else:
                before.value = _together(sample.name, before.value, sample.value)
    return list(found.values())


def _together(name: str, one: float, other: float) -> float:
    if name in _LEAST:
        return min(one, other)
    return max(one, other) if name in _GREATEST else one + other


class _Sent(Collector):
    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Return what was sent."""
        for family in self._families:
            metric = Metric(family.name, family.told, family.kind)
            for sample in family.samples:
                metric.add_sample(sample.name, sample.labels, sample.value)
            yield metric
