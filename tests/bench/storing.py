"""What keeping responses costs: requests a second with ``store`` true and false, in one run.

``python -m tests.bench.storing`` serves over a model that answers at once, from a process of its
own on the first core, once for each store; the load comes from the last core. Rounds with and
without keeping take turns. The Valkey store is measured where a server is installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import uvicorn
from dependency_injector import providers

from entrypoints import logging
from entrypoints.cli.server import settle_collector
from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.settings import Settings
from tests.support.fake_llm import FakeLLM
from tests.support.raw_http import read_body, read_head
from tests.support.valkey import ValkeyServer, program

if TYPE_CHECKING:
    from collections.abc import Iterator

_PORT = 11990
_VALKEY = 11991
_CORES = sorted(os.sched_getaffinity(0))
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """Requests a second, and the server's processor time for one."""

    rate: float
    cpu_us: float


class _Forgetful(FakeLLM):
    """Keeps nothing of what it was asked."""

    def _open(self, model: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - as the fake's
        self.requests.clear()
        self.streams.clear()
        return super()._open(model)


def _serve(store: str) -> None:
    os.sched_setaffinity(0, _CORES[:1])
    logging.configure("error", "json")
    settings = Settings(llm_backend="ollama", default_model="llama3", response_store=store)
    container = Container(settings=settings)
    container.override_providers(backend=providers.Object(_Forgetful()))
    app = create_app(container, Drain())
    settle_collector()
    uvicorn.run(app, port=_PORT, log_config=None, access_log=False, loop="uvloop")


async def _load(clients: int, *, store: bool, seconds: float) -> float:
    """Return requests a second."""
    body = json.dumps({"input": [{"role": "user", "content": "Hi"}], "store": store}).encode()
    head = (
        f"POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1:{_PORT}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode()
    end = time.perf_counter() + seconds

    async def client() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", _PORT)
        done = 0
        while time.perf_counter() < end:
            writer.write(head + body)
            await read_body(reader, await read_head(reader))
            done += 1
        writer.close()
        return done

    return sum(await asyncio.gather(*(client() for _ in range(clients)))) / seconds


async def _ready() -> None:
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", _PORT)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


async def _measure(
    server: subprocess.Popen[bytes], clients: int, rounds: int, seconds: float
) -> dict[bool, Cost]:
    """Return what requests cost by whether they are kept: the medians of the rounds."""
    await _ready()
    await _load(clients, store=True, seconds=0.5)
    rates: dict[bool, list[float]] = {True: [], False: []}
    costs: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * rounds):
        store = number % 2 == 0
        before = _cpu_s(server)
        rate = await _load(clients, store=store, seconds=seconds)
        rates[store].append(rate)
        costs[store].append((_cpu_s(server) - before) / (rate * seconds) * 1e6)
    return {
        store: Cost(statistics.median(rates[store]), statistics.median(costs[store]))
        for store in (True, False)
    }


def _stores(directory: Path) -> Iterator[str]:
    yield "memory"
    yield f"sqlite:///{directory / 'responses.sqlite3'}"
    if program() is not None:
        valkey = ValkeyServer(directory)
        valkey.start("--port", str(_VALKEY))
        try:
            yield f"redis://127.0.0.1:{_VALKEY}"
        finally:
            valkey.stop()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", help="a RESPONSE_STORE")
    parser.add_argument("--clients", type=int, default=32, help="requests at a time")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    if given.serve:
        _serve(given.serve)
        return 0
    with tempfile.TemporaryDirectory() as directory:
        for store in _stores(Path(directory)):
            command = [sys.executable, "-m", "tests.bench.storing", "--serve", store]
            with subprocess.Popen(command) as server:
                os.sched_setaffinity(0, _CORES[-1:])
                try:
                    measured = _measure(server, given.clients, given.rounds, given.seconds)
                    cost = asyncio.run(measured)
                finally:
                    os.sched_setaffinity(0, _CORES)
                    server.terminate()
            name = store.partition(":")[0].replace("redis", "valkey")
            kept, plain = cost[True], cost[False]
            print(
                f"{name}: {kept.rate:.0f}/s kept, {plain.rate:.0f}/s not "
                f"({(plain.rate - kept.rate) / plain.rate:.1%} less); processor time of a request "
                f"{kept.cpu_us:.0f} us kept, {plain.cpu_us:.0f} us not "
                f"({(kept.cpu_us - plain.cpu_us) / kept.cpu_us:.1%} less for each second of it)"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
