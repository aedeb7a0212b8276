"""Figures of several processes show as those of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from entrypoints.http.sums import Sums, shown, taken
from tests.support.scrape import Scrape

if TYPE_CHECKING:
    from collections.abc import Sequence


def process(count: int, *, code: str = "200", began: float = 0.0) -> bytes:
    """Return the figures of a process."""
    registry = CollectorRegistry()
    Counter("asked", "Asked.", ["code"], registry=registry).labels(code).inc(count)
    Gauge("active", "Active.", registry=registry).set(count)
    Gauge("process_start_time_seconds", "Began.", registry=registry).set(began)
    Gauge("process_max_fds", "Most.", registry=registry).set(count)
    alone = Gauge("local_chat_upstream_left_alone", "Alone.", ["upstream"], registry=registry)
    alone.labels("http://one").set(min(count, 1))
    times = Histogram("took", "Took.", buckets=(1.0, 5.0), registry=registry)
    for _ in range(count):
        times.observe(3.0)
    return taken(registry)


def of(sums: Sums, figures: Sequence[bytes]) -> Scrape:
    return Scrape(shown(sums.add_up(figures)).decode())


def nothing() -> bytes:
    return taken(CollectorRegistry())


def test_amounts_are_added_and_others_are_chosen() -> None:
    seen = of(Sums(lambda: process(1)), [process(2, began=7.0), process(4, code="429", began=5.0)])

    assert seen.value("asked_total", code="200") == 3
    assert seen.value("asked_total", code="429") == 4
    assert seen.value("active") == 7
    assert seen.value("process_start_time_seconds") == 0
    assert seen.value("process_max_fds") == 4
    assert seen.value("local_chat_upstream_left_alone") == 1
    assert seen.value("took_bucket", le="1.0") == 0
    assert seen.value("took_bucket", le="5.0") == 7
    assert (seen.value("took_count"), seen.value("took_sum")) == (7, 21)
    assert seen.text.count("# TYPE asked_total counter") == 1


def test_what_a_process_did_lasts_and_what_it_had_does_not() -> None:
    sums = Sums(nothing)
    sums.retire(process(2))
    sums.retire(process(3))
    seen = of(sums, [process(1, began=9.0)])

    assert seen.value("asked_total") == 6
    assert seen.value("took_count") == 6
    assert seen.value("active") == 1
    assert seen.value("process_start_time_seconds") == 9
