"""Instructions a request, counted by valgrind: a measure without noise beside the clock.

``just instructions`` prints what the service and the floor execute for a request, and fails
where the service's multiple of the floor is 3 % over the one in ``instructions.json``;
``--update`` writes that file. Needs ``valgrind`` and ``gcc``. Multiples of the floor, in the same
interpreter with the same libraries, carry over from machine to machine far better than counts.
"""

from __future__ import annotations

import argparse
import http.client
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
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_ROOT = _HERE.parent.parent
_BASELINE = _HERE / "instructions.json"
_UPSTREAM = 11977
_PORT = 11978
_KEY = "a-key-of-the-benchmark"
_TOKENS = 64
# The first requests fill caches and make connections.
_WARM = 60
_COUNTED = 200
_TOLERANCE = 0.03
_OK = 200
_START_S = 180

_HELLO: list[dict[str, str]] = [{"role": "user", "content": "hi"}]
_CHAT: tuple[str, dict[str, Any]] = ("/v1/chat/completions", {"model": "bench", "messages": _HELLO})
_CHAT_STREAM = (_CHAT[0], _CHAT[1] | {"stream": True})
_RESPONSE: tuple[str, dict[str, Any]] = (
    "/v1/responses",
    {"model": "bench", "input": "hi", "store": False},
)
_RESPONSE_STREAM = (_RESPONSE[0], _RESPONSE[1] | {"stream": True})

_FLOOR: dict[str, tuple[str, Any]] = {"whole": _CHAT, "streamed": _CHAT_STREAM}
# Each with the floor that it is a multiple of.
_SERVICE: dict[str, tuple[tuple[str, Any], str]] = {
    "chat whole": (_CHAT, "whole"),
    "chat streamed": (_CHAT_STREAM, "streamed"),
    "response whole": (_RESPONSE, "whole"),
    "response streamed": (_RESPONSE_STREAM, "streamed"),
}


def main() -> int:
    """Count and compare; return 1 where something is missing or has grown."""
    parser = argparse.ArgumentParser(prog="just instructions", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write the multiples as they are")
    given = parser.parse_args()
    missing = [tool for tool in ("gcc", "valgrind") if shutil.which(tool) is None]
    if missing:
        print(f"This needs {' and '.join(missing)}.", file=sys.stderr)
        return 1
    floor = _count(
        ["-m", "uvicorn", "tests.bench.floor:app", "--no-access-log", "--log-level", "warning"],
        _FLOOR,
    )
    asked = {kind: request for kind, (request, _) in _SERVICE.items()}
    service = _count(["-m", "entrypoints.cli", "serve"], asked)
    multiples = {
        kind: round(service[kind] / floor[base], 3) for kind, (_, base) in _SERVICE.items()
    }
    for kind, count in floor.items():
        print(f"floor {kind:18} {count:>10,}")
    for kind, count in service.items():
        print(f"{kind:24} {count:>10,}  {multiples[kind]:.2f} of the floor")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    if given.update:
        _BASELINE.write_text(json.dumps({"python": python, **multiples}, indent=2) + "\n")
        return 0
    return _compare(multiples, python)


def _compare(multiples: dict[str, float], python: str) -> int:
    known: dict[str, Any] = json.loads(_BASELINE.read_text())
    if known["python"] != python:
        print(f"The multiples kept are those of Python {known['python']}: nothing to compare.")
        return 0
    grown = [
        f"{kind}: {now:.3f} of the floor, {now / known[kind] - 1:+.1%} over {known[kind]:.3f}"
        for kind, now in multiples.items()
        if now > known[kind] * (1 + _TOLERANCE)
    ]
    for line in grown:
        print(line, file=sys.stderr)
    return 1 if grown else 0


def _count(command: list[str], requests: dict[str, tuple[str, Any]]) -> dict[str, int]:
    """Return the instructions for each of ``requests``, on a server that ``command`` starts."""
    with ExitStack() as stack:
        built = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = built / "upstream"
        subprocess.run(["gcc", "-O2", "-o", upstream, _HERE / "upstream.c"], check=True)
        _start(stack, [upstream, str(_UPSTREAM), str(_TOKENS), "30"], {})
        valgrind = [
            *("valgrind", "--tool=callgrind", "--instr-atstart=no", "-q"),
            f"--callgrind-out-file={built / 'out'}",
        ]
        url = f"http://127.0.0.1:{_UPSTREAM}"
        server = _start(
            stack,
            [*valgrind, sys.executable, *command],
            {
                "UPSTREAM": url,
                "UVICORN_PORT": str(_PORT),
                "LLM_BACKEND": "ollama",
                "OLLAMA_URL": url,
                "DEFAULT_MODEL": "bench",
                "PORT": str(_PORT),
                "API_KEY": _KEY,
                "RESPONSE_STORE": "memory",
                "PYTHONHASHSEED": "0",
            },
        )
        _await(server)
        client = http.client.HTTPConnection("127.0.0.1", _PORT, timeout=60)
        return {kind: _counted(client, server, built, *asked) for kind, asked in requests.items()}


def _counted(
    client: http.client.HTTPConnection,
    server: subprocess.Popen[bytes],
    built: Path,
    path: str,
    body: object,
) -> int:
    _ask(client, path, body, _WARM)
    _control(server, "--instr=on")
    _control(server, "--zero")
    _ask(client, path, body, _COUNTED)
    _control(server, "--dump")
    _control(server, "--instr=off")
    newest = max(built.glob("out.*"), key=lambda file: int(file.suffix[1:]))
    found = re.search(r"^(?:summary|totals): (\d+)", newest.read_text(), re.MULTILINE)
    if found is None:
        message = "valgrind wrote no total"
        raise RuntimeError(message)
    return int(found[1]) // _COUNTED


def _ask(client: http.client.HTTPConnection, path: str, body: object, times: int) -> None:
    data = json.dumps(body)
    headers = {"content-type": "application/json", "authorization": f"Bearer {_KEY}"}
    for _ in range(times):
        client.request("POST", path, data, headers)
        answer = client.getresponse()
        text = answer.read()
        if answer.status != _OK:
            raise RuntimeError(text.decode())


def _control(server: subprocess.Popen[bytes], order: str) -> None:
    subprocess.run(["callgrind_control", order, str(server.pid)], check=True, capture_output=True)


def _start(stack: ExitStack, command: list[Any], env: dict[str, str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env=os.environ | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def _await(server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{_PORT}/healthz", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    message = "the server did not start"
    raise RuntimeError(message)


if __name__ == "__main__":
    sys.exit(main())
