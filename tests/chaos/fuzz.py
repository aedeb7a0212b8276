"""``python -m tests.chaos.fuzz``: mutated bodies to every endpoint, on connections that stay open.

Each half of them goes to a service of its own: one whose backend is scripted, and one before an
Ollama that holds every request against Ollama's contract. ``FUZZ_SEED`` in the environment
replays a run, ``--only NUMBER`` one body of it.
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
from typing import TYPE_CHECKING, Any

from tests.chaos import mutation
from tests.chaos.bodies import Sample, samples
from tests.chaos.connection import Connection
from tests.support import raw_http
from tests.support.fake_ollama import FakeOllama
from tests.support.fake_ollama_checks import check
from tests.support.process import Process, started
from tests.support.service import ASK, CHAT, MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from tests.support.raw_http import Head

_CONNECTIONS = 4
_HANGS_AFTER_S = 20
_SHOWN_BYTES = 600
# A model that cannot do what a body demands of it: its server's fault, which is told as such.
_OF_THE_MODEL = frozenset({"invalid_output", "invalid_tool_call"})
_ENDS = ("response.completed", "response.incomplete", "response.failed", "error")
_FIELDS = {"message", "type", "param", "code"}
_OLLAMA = {"llama3": MODEL, "thinker": MODEL, "filler": MODEL, "embedder": MODEL}
_SCRIPTED = {
    "llama3": "scripted-tools",
    "thinker": "scripted-think",
    "filler": "scripted-echo",
    "embedder": "scripted-embed",
}


@dataclass(slots=True)
class Report:
    """What came of a run; ``faults`` are sentences, each with the number of its body."""

    seed: str
    statuses: Counter[int] = field(default_factory=Counter[int])
    faults: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        """All of it, to print."""
        counts = ", ".join(f"{status}: {n}" for status, n in sorted(self.statuses.items()))
        lines = [f"fuzz: seed {self.seed}, {self.statuses.total()} bodies answered ({counts})"]
        lines += [f"FAULT {fault}" for fault in self.faults]
        return "\n".join([*lines, f"fuzz: {len(self.faults)} faults"])


@dataclass(frozen=True, slots=True)
class Target:
    """A service under fuzz."""

    process: Process
    port: int
    samples: Sequence[Sample]
    server: FakeOllama | None = None


async def fuzz(seed: str, numbers: Sequence[int]) -> Report:
    """Send the bodies of these numbers and return what came of it."""
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
    async with started(folder, **settings) as process:
        port = await process.port()
        yield Target(process, port, await samples(port, _SCRIPTED))


@contextlib.asynccontextmanager
async def _ollama(folder: Path) -> AsyncGenerator[Target]:
    async with FakeOllama(strict=False) as server:
        settings = {
            "LLM_BACKEND": "ollama",
            "OLLAMA_URL": server.url,
            "DEFAULT_MODEL": MODEL,
            "RESPONSE_STORE": "memory",
        }
        async with started(folder, **settings) as process:
            port = await process.port()
            yield Target(process, port, await samples(port, _OLLAMA), server)


async def _work(target: Target, numbers: Iterator[int], report: Report) -> None:
    connection = Connection(target.port)
    bodies = [sample.body for sample in target.samples]
    for number in numbers:
        chance = Random(f"{report.seed}/{number}")  # noqa: S311 - it is no secret
        sample = chance.choice(target.samples)
        body = mutation.mutated(sample.body, bodies, chance)
        headers = {"x-responses-shape": "openai"} | mutation.headers(chance)
        try:
            async with asyncio.timeout(_HANGS_AFTER_S):
                head, data = await connection.ask(sample.path, body, headers)
        except TimeoutError:
            fault: str | None = "no answer in time"
            await connection.drop()
        except (EOFError, OSError) as error:
            fault = f"the connection ended: {error!r}"
            await connection.drop()
        else:
            report.statuses[head.status] += 1
            fault = wrong(head, data)
        if fault is not None:
            report.faults.append(f"{number} {sample.path}: {fault}; asked {body[:_SHOWN_BYTES]!r}")
    await connection.drop()


def wrong(head: Head, data: bytes) -> str | None:
    """Return what is wrong with an answer; None where nothing is."""
    try:
        if head.headers.get("content-type", "").startswith("text/event-stream"):
            return _wrong_stream(data)
        body: Any = json.loads(data)
        well = _well(head.status, body.get("error"))
    except (ValueError, AttributeError, LookupError, TypeError):
        return f"{head.status} not understood: {data[:_SHOWN_BYTES]!r}"
    return None if well else f"{head.status} {data[:_SHOWN_BYTES]!r}"


def _well(status: int, error: Any) -> bool:
    if status == 200:
        return error is None
    told = status < 500 or error["code"] in _OF_THE_MODEL
    return told and error.keys() == _FIELDS and bool(error["message"])


def _wrong_stream(data: bytes) -> str | None:
    frames = [frame for frame in data.decode().split("\n\n") if frame and frame[0] != ":"]
    last = frames[-1].partition("data: ")[2]
    if last == "[DONE]":
        return None
    record: Any = json.loads(last)
    error: Any = record.get("error") or record.get("response", {}).get("error") or {}
    if record.get("type") in _ENDS and not error:
        return None
    if error.get("code") in _OF_THE_MODEL or error.get("type") == "invalid_request_error":
        return None
    return f"a stream ends with {last[:_SHOWN_BYTES]}"


async def _look(target: Target, report: Report) -> None:
    """Add what is wrong with a service after it all."""
    head, _ = await raw_http.fetch(target.port, CHAT, ASK)
    if head.status != 200:
        report.faults.append(f"it does not serve any more: {head.status}")
    if b"Traceback" in target.process.output:
        place = target.process.output.index(b"Traceback")
        report.faults.append(target.process.output[place : place + 3000].decode())
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
    parser.add_argument("--count", type=int, default=10_000, help="how many bodies")
    parser.add_argument("--only", type=int, help="the one body of this number")
    given = parser.parse_args()
    seed = os.environ.get("FUZZ_SEED") or os.urandom(4).hex()
    print(f"fuzz: FUZZ_SEED={seed}", flush=True)
    numbers = range(given.count) if given.only is None else [given.only]
    report = asyncio.run(fuzz(seed, numbers))
    print(report)
    return bool(report.faults)


if __name__ == "__main__":
    sys.exit(main())
