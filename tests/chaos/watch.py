"""What a running service holds: memory, descriptors, tasks, places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support import raw_http
from tests.support.scrape import Scrape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.process import Process

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Held:
    """What it holds at one moment."""

    resident_mib: float
    descriptors: float
    tasks: float
    running: float
    waiting: float


async def held(process: Process, port: int) -> Held:
    """Return what a process holds now."""
    _, body = await raw_http.fetch(port, "/metrics")
    shown = Scrape(body.decode())
    return Held(
        round(process.resident_bytes / MIB, 1),
        process.descriptors,
        shown.value("local_chat_tasks"),
        shown.value("local_chat_running_answers"),
        shown.value("local_chat_queue_depth"),
    )


def tracebacks(process: Process) -> list[str]:
    """Return the start of what broke, by the log so far, and forget the log."""
    output, process.output = process.output, b""
    place = output.find(b"Traceback")
    return [] if place < 0 else [output[place : place + 3000].decode(errors="replace")]


def growth(values: Sequence[float]) -> float:
    """Return how much values taken at equal intervals rise, by the line that fits them best."""
    count = len(values)
    middle, mean = (count - 1) / 2, sum(values) / count
    over = sum((place - middle) * (value - mean) for place, value in enumerate(values))
    under = sum((place - middle) ** 2 for place in range(count))
    return over / under * (count - 1)
