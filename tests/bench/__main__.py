"""Throughput and cost on one core, the service and the floor in one run.

``just bench`` needs ``gcc`` and ``wrk``. The servers run on core 0; load and model server on the
last core. What it prints it also writes to ``bench.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_UPSTREAM = 11987
_FLOOR = 11988
_SERVICE = 11989
_KEY = "a-key-of-the-benchmark"
_TOKENS = 64
_RATE = 30
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_LAST_CORE = str((os.cpu_count() or 1) - 1)


@dataclass(frozen=True, slots=True)
class Server:
    """A server under measurement."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def cpu_s(self) -> float:
        """Return the processor time used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def resident_mb(self) -> float:
        """Return the resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        return int(found[1]) / 1024 if found else 0.0


def main() -> int:
    """Measure and print; return 1 where something that is needed is missing."""
    parser = argparse.ArgumentParser(prog="just bench", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2, help="best of so many")
    parser.add_argument("--streams", type=int, default=1000, help="paced streams at once")
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    given = parser.parse_args()
    missing = [tool for tool in ("gcc", "wrk") if shutil.which(tool) is None]
    if missing:
        print(f"This needs {' and '.join(missing)}.", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        results = _measure(stack, given)
    given.output.write_text(json.dumps(results, indent=2) + "\n")
    print(_table(results))
    return 0


def _measure(stack: ExitStack, given: argparse.Namespace) -> dict[str, Any]:
    built = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for name in ("upstream", "streamload"):
        subprocess.run(["gcc", "-O2", "-o", built / name, _HERE / f"{name}.c"], check=True)
    _start(stack, [built / "upstream", str(_UPSTREAM), str(_TOKENS), str(_RATE)], core=_LAST_CORE)
    floor = ["-m", "uvicorn", "tests.bench.floor:app", "--port", str(_FLOOR), "--no-access-log"]
    servers = [
        _server(stack, "floor", _FLOOR, [*floor, "--log-level", "warning"]),
        _server(stack, "service", _SERVICE, ["-m", "entrypoints.cli", "serve"]),
    ]
    results: dict[str, Any] = {server.name: {} for server in servers}
    for _ in range(given.rounds):
        for stream in (False, True):
            for connections in (1, 32):
                for server in servers:
                    kind = f"{'stream' if stream else 'whole'} c={connections}"
                    found = _load(server, stream=stream, connections=connections, given=given)
                    best = results[server.name].get(kind)
                    if best is None or found["per_s"] > best["per_s"]:
                        results[server.name][kind] = found
    for server in servers:
        paced = _paced(built / "streamload", server.port, given.streams)
        results[server.name]["paced"] = paced
        results[server.name]["resident_mb"] = round(server.resident_mb(), 1)
    return results


def _start(
    stack: ExitStack, command: list[Any], *, core: str, **env: str
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["taskset", "-c", core, *command],
        cwd=_ROOT,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def _server(stack: ExitStack, name: str, port: int, arguments: list[str]) -> Server:
    url = f"http://127.0.0.1:{_UPSTREAM}"
    process = _start(
        stack,
        [sys.executable, *arguments],
        core="0",
        UPSTREAM=url,
        OLLAMA_URL=url,
        DEFAULT_MODEL="bench",
        PORT=str(port),
        API_KEY=_KEY,
        MAX_CONCURRENCY="10000",
        RESPONSE_STORE="memory",
    )
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    return Server(name, port, process)


def _load(
    server: Server, *, stream: bool, connections: int, given: argparse.Namespace
) -> dict[str, float]:
    body = {"model": "bench", "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    url = f"http://127.0.0.1:{server.port}/v1/chat/completions"
    before = server.cpu_s()
    done = subprocess.run(
        [
            *("taskset", "-c", _LAST_CORE, "wrk", "-t1", f"-c{connections}"),
            *(f"-d{given.seconds}", "--latency", "-s", _HERE / "body.lua", url),
        ],
        env=os.environ | {"BODY": json.dumps(body), "API_KEY": _KEY},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    used = server.cpu_s() - before
    if "Non-2xx" in done or "Socket errors" in done:
        message = f"{server.name} failed under load:\n{done}"
        raise RuntimeError(message)
    count = int(_number(r"(\d+) requests in", done))
    return {
        "per_s": _number(r"Requests/sec:\s+([\d.]+)", done),
        "p50_ms": _milliseconds(r"50%\s+([\d.]+)(\w+)", done),
        "p99_ms": _milliseconds(r"99%\s+([\d.]+)(\w+)", done),
        "cpu_us": round(used / count * 1e6, 1),
    }


def _paced(streamload: Path, port: int, streams: int) -> str:
    return subprocess.run(
        [
            *("taskset", "-c", _LAST_CORE, streamload),
            *(str(port), str(streams), str(_TOKENS), str(_RATE)),
        ],
        env=os.environ | {"API_KEY": _KEY},
        check=False,
        capture_output=True,
        text=True,
    ).stdout.strip()


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        message = f"not understood:\n{text}"
        raise RuntimeError(message)
    return float(found[1])


def _milliseconds(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        message = f"not understood:\n{text}"
        raise RuntimeError(message)
    return float(found[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[found[2]]


def _table(results: dict[str, Any]) -> str:
    floor, service = results["floor"], results["service"]
    rows = [f"{'':14}{'per s':>10}{'floor':>10}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}{'cpu us':>9}"]
    for kind, found in service.items():
        if isinstance(found, dict):
            mine, base = cast("dict[str, float]", found), floor[kind]["per_s"]
            rows.append(
                f"{kind:14}{mine['per_s']:>10.0f}{base:>10.0f}{mine['per_s'] / base:>8.0%}"
                f"{mine['p50_ms']:>9.2f}{mine['p99_ms']:>9.2f}{mine['cpu_us']:>9.0f}"
            )
    rows += [f"paced, {name}: {found['paced']}" for name, found in results.items()]
    rows += [f"memory, {name}: {found['resident_mb']} MB" for name, found in results.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
