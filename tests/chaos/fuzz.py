"""``python -m tests.chaos.fuzz``: odd requests to every endpoint, on connections that stay open.

Each half of them goes to a service of its own: one whose backend is scripted, and one before an
Ollama that holds every request against Ollama's contract. ``FUZZ_SEED`` in the environment
replays a run, ``--only NUMBER`` one request of it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random  # noqa: TID251 - seeded: chance that can be repeated
from typing import TYPE_CHECKING

from tests.chaos import asks
from tests.chaos.bodies import Known, Sample, samples
from tests.chaos.connection import Connection
from tests.chaos.run import told
from tests.chaos.talk import Talk
from tests.chaos.verdict import trespass, wrong
from tests.support import raw_http
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_checks import check
from tests.support.process import Process, started
from tests.support.service import ASK, CHAT, MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping

    from tests.chaos.asks import Ask

_CONNECTIONS = 4
_HANGS_AFTER_S = 20
_SHOWN_BYTES = 600
_KEY = {"x-api-key": asks.KEY}
_OLLAMA = {"llama3": "tools-model"}
_SCRIPTED = {
    "llama3": "scripted-tools",
    "thinker": "scripted-think",
    "viewer": "scripted-echo",
    "filler": "scripted-echo",
    "embedder": "scripted-embed",
}


@dataclass(slots=True)
class Report:
    """What came of a run; ``faults`` are sentences, each with the number of its request."""

    seed: str
    statuses: Counter[int] = field(default_factory=Counter[int])
    turns: int = 0
    faults: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        """All of it, to print."""
        counts = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        lines = [
            f"seed {self.seed}, {self.statuses.total()} requests answered ({counts})",
            f"and {self.turns} turns on WebSockets",
        ]
        return told("fuzz", lines, self.faults)


@dataclass(frozen=True, slots=True)
class Target:
    """A service under fuzz."""

    process: Process
    port: int
    samples: Sequence[Sample]
    known: Known
    server: FakeOllama | None = None


async def fuzz(seed: str, numbers: Sequence[int]) -> Report:
    """Send the requests of these numbers and return what came of it."""
    report = Report(seed)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        targets = [
            await stack.enter_async_context(_scripted(folder)),
            await stack.enter_async_context(_ollama(folder)),
        ]
        shares = [iter([n for n in numbers if n % 2 == place]) for place in range(2)]
        pairs = list(zip(targets, shares, strict=True)) * _CONNECTIONS
        await asyncio.gather(*(_work(target, share, report) for target, share in pairs))
        for target in targets:
            await _look(target, report)
    return report


@contextlib.asynccontextmanager
async def _scripted(folder: Path) -> AsyncGenerator[Target]:
    settings = {"LLM_BACKEND": "scripted", "RESPONSE_STORE": "sqlite:///scripted.sqlite3"}
    async with _target(folder, settings, _SCRIPTED) as target:
        yield target


@contextlib.asynccontextmanager
async def _ollama(folder: Path) -> AsyncGenerator[Target]:
    async with FakeOllama(strict=False) as server:
        settings = {
            "LLM_BACKEND": "ollama",
            "OLLAMA_URL": server.url,
            "DEFAULT_MODEL": MODEL,
            "RESPONSE_STORE": "memory",
        }
        async with _target(folder, settings, _OLLAMA, server) as target:
            yield target


@contextlib.asynccontextmanager
async def _target(
    folder: Path,
    settings: Mapping[str, str],
    models: Mapping[str, str],
    server: FakeOllama | None = None,
) -> AsyncGenerator[Target]:
    async with started(folder, API_KEY=asks.KEY, **settings) as process:
        port = await process.port()
        yield Target(process, port, *await samples(port, models, _KEY), server)


async def _work(target: Target, numbers: Iterator[int], report: Report) -> None:
    connection = Connection(target.port)
    talk = Talk(target.port, _KEY)
    for number in numbers:
        chance = Random(f"{report.seed}/{number}")  # noqa: S311 - it is no secret
        ask = asks.ask(target.samples, target.known, chance)
        try:
            async with asyncio.timeout(_HANGS_AFTER_S):
                if ask.socket:
                    report.turns += 1
                    fault = await talk.turn(ask.body)
                else:
                    fault = await _exchange(connection, ask, report)
        except TimeoutError:
            fault = "no answer in time"
            await connection.drop()
            await talk.drop()
        except (EOFError, OSError) as error:
            fault = f"the connection ended: {error!r}"
            await connection.drop()
        if fault is not None:
            asked = f"{ask.method} {ask.path[:_SHOWN_BYTES]} {ask.headers}"
            report.faults.append(f"{number} {fault}; asked {asked} {ask.body[:_SHOWN_BYTES]!r}")
    await connection.drop()
    await talk.drop()


async def _exchange(connection: Connection, ask: Ask, report: Report) -> str | None:
    """Ask, and whatever follows; return what is wrong with an answer."""
    head, data = await connection.ask(ask)
    report.statuses[head.status] += 1
    fault = wrong(head, data, ask) or trespass(ask, head)
    kind = head.headers.get("content-type")
    if fault is not None or head.status != 200 or kind != "application/json" or not data:
        return fault
    id_ = json.loads(data).get("id")
    for method, rest in ask.following if isinstance(id_, str) else ():
        path = f"{ask.path.partition('?')[0].rstrip('/')}/{id_}{rest}"
        following = asks.Ask(path, b"", method, _KEY)
        head, data = await connection.ask(following)
        report.statuses[head.status] += 1
        if (fault := wrong(head, data, following)) is not None:
            return f"{method} {path}: {fault}"
    return None


async def _look(target: Target, report: Report) -> None:
    """Add what is wrong with a service after it all."""
    head, _ = await raw_http.fetch(target.port, CHAT, ASK, _KEY)
    if head.status != 200:
        report.faults.append(f"it does not serve any more: {head.status}")
    output = target.process.output
    if b"Traceback" in output:
        place = output.index(b"Traceback")
        report.faults.append(output[place : place + 3000].decode())
    if asks.KEY.encode() in output:
        report.faults.append("the key is in the log")
    if target.server is not None:
        unnoticed = (
            f"{request.method} {request.path}: {violation.problem}"
            for request in target.server.requests
            for violation in check(request)
            # What a real one notices, it refuses, and the client is told.
            if violation.status is None
        )
        report.faults += dict.fromkeys(unnoticed)


def main() -> int:
    """Run it from the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="just fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how many requests")
    parser.add_argument("--only", type=int, help="the one request of this number")
    given = parser.parse_args()
    seed = os.environ.get("FUZZ_SEED") or os.urandom(4).hex()
    print(f"fuzz: FUZZ_SEED={seed}", flush=True)
    numbers = range(given.count) if given.only is None else [given.only]
    report = asyncio.run(fuzz(seed, numbers))
    print(report)
    return bool(report.faults)


if __name__ == "__main__":
    sys.exit(main())
