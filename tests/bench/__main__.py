"""Throughput and cost on one core: the service and the floor, and whom else you name, in one run.

``just bench`` needs ``gcc`` and ``wrk``. The servers run on core 0; load and model server on the
last core. ``--against COMMIT`` measures that commit, too; ``--litellm DIR`` LiteLLM's proxy from
the virtual environment there. What it prints it also writes to ``bench.json``, and as a picture
where ``--picture`` says.
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
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from tests.bench.picture import picture

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_UPSTREAM = 11987
_FLOOR = 11988
_SERVICE = 11989
_OTHER = 11985
_LITELLM = 11986
_KEY = "sk-a-key-of-the-benchmark"
_TOKENS = 64
_RATE = 30
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_LAST_CORE = str((os.cpu_count() or 1) - 1)
_START_S = 120
# It serves 50 requests a second, and 20 streams.
_LITELLM_STREAMS = 100
_CHAT_ONLY = frozenset({"floor", "LiteLLM"})
_HELLO = [{"role": "user", "content": "hi"}]
# Path and body. The floor has one endpoint: what else there is is measured against that.
_ENDPOINTS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"model": "bench", "messages": _HELLO}),
    "response": ("/v1/responses", {"model": "bench", "input": "hi", "store": False}),
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server under measurement."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    ready_s: float

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
    parser.add_argument("--against", metavar="COMMIT", help="measure this commit, too")
    parser.add_argument("--litellm", type=Path, metavar="DIR", help="measure LiteLLM's proxy, too")
    parser.add_argument("--picture", type=Path, help="draw the throughput into this SVG file")
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
    if given.picture is not None:
        given.picture.write_text(picture(results))
    return subprocess.run(
        [sys.executable, "-m", "tests.bench.embeddings", "--rounds", "7"], cwd=_ROOT, check=False
    ).returncode


def _measure(stack: ExitStack, given: argparse.Namespace) -> dict[str, Any]:
    built = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for name in ("upstream", "streamload"):
        subprocess.run(["gcc", "-O2", "-o", built / name, _HERE / f"{name}.c"], check=True)
    _start(stack, [built / "upstream", str(_UPSTREAM), str(_TOKENS), str(_RATE)], core=_LAST_CORE)
    servers = [_floor(stack), _service(stack, "service", _SERVICE, _ROOT)]
    if given.against is not None:
        tree = _checked_out(stack, given.against, built / "against")
        servers.append(_service(stack, given.against, _OTHER, tree))
    if given.litellm is not None:
        servers.append(_litellm(stack, given.litellm, built))
    results: dict[str, Any] = {server.name: {} for server in servers}
    for _, endpoint, stream, connections, server in product(
        range(given.rounds), _ENDPOINTS, (False, True), (1, 32), servers
    ):
        if endpoint == "chat" or server.name not in _CHAT_ONLY:
            kind = f"{endpoint} {'streamed' if stream else 'whole'} c={connections}"
            found = _load(server, endpoint, connections, given, stream=stream)
            best = results[server.name].get(kind)
            if best is None or found["per_s"] > best["per_s"]:
                results[server.name][kind] = found
    for server in servers:
        streams = _LITELLM_STREAMS if server.name == "LiteLLM" else given.streams
        results[server.name]["paced"] = _paced(built / "streamload", server.port, streams)
        results[server.name]["resident_mb"] = round(server.resident_mb(), 1)
        results[server.name]["ready_s"] = round(server.ready_s, 2)
    return results


def _floor(stack: ExitStack) -> Server:
    command = [
        "-m",
        "uvicorn",
        "tests.bench.floor:app",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    return _server(stack, "floor", _FLOOR, [sys.executable, *command, "--port", str(_FLOOR)])


def _service(stack: ExitStack, name: str, port: int, tree: Path) -> Server:
    return _server(stack, name, port, [sys.executable, "-m", "entrypoints.cli", "serve"], tree)


def _litellm(stack: ExitStack, place: Path, built: Path) -> Server:
    config = built / "litellm.yaml"
    params = f'{{model: "ollama_chat/bench", api_base: "http://127.0.0.1:{_UPSTREAM}"}}'
    config.write_text(f'model_list:\n  - model_name: "*"\n    litellm_params: {params}\n')
    command = [place.absolute() / "bin" / "litellm", "--config", config, "--telemetry", "False"]
    return _server(stack, "LiteLLM", _LITELLM, [*command, "--port", str(_LITELLM)], built)


def _checked_out(stack: ExitStack, commit: str, tree: Path) -> Path:
    git = ["git", "-C", str(_ROOT), "worktree"]
    subprocess.run([*git, "add", "-q", "--detach", str(tree), commit], check=True)
    stack.callback(subprocess.run, [*git, "remove", "--force", str(tree)], check=True)
    return tree


def _start(
    stack: ExitStack, command: list[Any], tree: Path = _ROOT, *, core: str, **env: str
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        ["taskset", "-c", core, *command],
        cwd=tree,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def _server(
    stack: ExitStack, name: str, port: int, command: list[Any], tree: Path = _ROOT
) -> Server:
    url = f"http://127.0.0.1:{_UPSTREAM}"
    began = time.monotonic()
    process = _start(
        stack,
        command,
        tree,
        core="0",
        UPSTREAM=url,
        LLM_BACKEND="ollama",
        OLLAMA_URL=url,
        DEFAULT_MODEL="bench",
        PORT=str(port),
        API_KEY=_KEY,
        MAX_CONCURRENCY="10000",
        RESPONSE_STORE="memory",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        LITELLM_MASTER_KEY=_KEY,
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true",
    )
    while process.poll() is None and time.monotonic() - began < _START_S:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.02)
        else:
            break
    if process.poll() is not None:
        message = f"{name} did not start"
        raise RuntimeError(message)
    return Server(name, port, process, time.monotonic() - began)


def _load(
    server: Server, endpoint: str, connections: int, given: argparse.Namespace, *, stream: bool
) -> dict[str, float]:
    path, body = _ENDPOINTS[endpoint]
    before = server.cpu_s()
    done = subprocess.run(
        [
            *("taskset", "-c", _LAST_CORE, "wrk", "-t1", f"-c{connections}"),
            *(f"-d{given.seconds}", "--timeout", "30s", "--latency", "-s", _HERE / "body.lua"),
            f"http://127.0.0.1:{server.port}{path}",
        ],
        env=os.environ | {"BODY": json.dumps(body | {"stream": stream}), "API_KEY": _KEY},
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
        "cpu_us": round(used / max(count, 1) * 1e6, 1),
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
    floor = results["floor"]
    rows = [f"{'':32}{'per s':>8}{'of floor':>10}{'p50 ms':>9}{'p99 ms':>9}{'cpu us':>9}"]
    for kind in results["service"]:
        base: dict[str, float] | None = floor.get(kind.replace("response", "chat"))
        if base is None or not kind.startswith(tuple(_ENDPOINTS)):
            continue
        for name, measured in results.items():
            found: dict[str, float] | None = measured.get(kind)
            if found is not None:
                ratio = found["per_s"] / base["per_s"]
                rows.append(
                    f"{kind:24}{name[:8]:8}{found['per_s']:>8.0f}{ratio:>10.0%}"
                    f"{found['p50_ms']:>9.2f}{found['p99_ms']:>9.2f}{found['cpu_us']:>9.0f}"
                )
    for name, measured in results.items():
        rows.append(
            f"{name[:8]:8} ready in {measured['ready_s']} s, {measured['resident_mb']} MB after it "
            f"all; paced: {measured['paced']}"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
