"""What 2,048 vectors of 768 components cost beyond reading Ollama's answer itself.

``python -m tests.bench.embeddings`` serves over a model server that answers at once with bytes it
has ready, and takes turns: the same request by a plain client to either. The difference is what
the service adds; a real model server, which takes its time, hides most of it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import statistics
import struct
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

_UPSTREAM = 11991
_SERVICE = 11992
_INPUTS = 2048
_COMPONENTS = 768
_MODEL = "embedder"
_LARGEST = 0.05  # of the components of a vector of length 1, about
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_TEXTS = [f"The text of number {number}." for number in range(_INPUTS)]


class Cost(NamedTuple):
    """Of one request: milliseconds on the clock and of the client's processor; bytes."""

    elapsed_ms: float
    client_ms: float
    size: int


def _shortest(value: float) -> str:
    """Return the fewest digits that name a float of 32 bits, as Ollama writes them."""
    (single,) = struct.unpack("f", struct.pack("f", value))
    for digits in range(6, 10):
        text = f"{single:.{digits}g}"
        if struct.pack("f", float(text)) == struct.pack("f", single):
            return text
    return repr(single)


def _answers() -> None:
    """Serve /api/embed."""
    pool = [_shortest(_LARGEST * math.sin(place**2)) for place in range(20 * _COMPONENTS)]
    rows = [
        f"[{','.join(pool[start : start + _COMPONENTS])}]".encode()
        for start in (7 * number % (19 * _COMPONENTS) for number in range(_INPUTS))
    ]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            count = len(asked["input"])
            body = b'{"model":"%b","embeddings":[%b],"prompt_eval_count":%d}' % (
                *(_MODEL.encode(), b",".join(rows[:count]), 8 * count),
            )
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base's
            pass

    ThreadingHTTPServer(("127.0.0.1", _UPSTREAM), Handler).serve_forever()


def _ask(port: int, path: str, body: bytes) -> Cost:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.connect()
    start, before = time.perf_counter(), time.process_time()
    connection.request("POST", path, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    size = len(answer.read())
    elapsed, client = time.perf_counter() - start, time.process_time() - before
    connection.close()
    if answer.status != http.HTTPStatus.OK:
        message = f"status {answer.status} from port {port}"
        raise RuntimeError(message)
    return Cost(elapsed * 1e3, client * 1e3, size)


def _cpu_ms(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S * 1e3


def _await(port: int) -> None:
    for _ in range(200):
        try:
            http.client.HTTPConnection("127.0.0.1", port).connect()
        except OSError:
            time.sleep(0.1)
        else:
            return
    message = f"nothing answers on port {port}"
    raise RuntimeError(message)


def _measure(encoding: str, rounds: int, service: subprocess.Popen[bytes]) -> str:
    native = json.dumps({"model": _MODEL, "input": _TEXTS}).encode()
    asked = {"model": _MODEL, "input": _TEXTS, "encoding_format": encoding}
    body = json.dumps(asked).encode()
    _ask(_SERVICE, "/v1/embeddings", body)
    before = _cpu_ms(service)
    pairs = [
        (_ask(_UPSTREAM, "/api/embed", native), _ask(_SERVICE, "/v1/embeddings", body))
        for _ in range(rounds)
    ]
    used = (_cpu_ms(service) - before) / rounds
    alone = statistics.median(upstream.elapsed_ms for upstream, _ in pairs)
    through = statistics.median(answer.elapsed_ms for _, answer in pairs)
    reading = statistics.mean(upstream.client_ms for upstream, _ in pairs)
    return (
        f"{encoding:7} upstream alone {alone:6.1f} ms, with the service {through:6.1f} ms, added "
        f"{through - alone:6.1f} ms; processor: client alone {reading:5.1f} ms, service "
        f"{used:5.1f} ms, added {used - reading:5.1f} ms; {pairs[0][1].size / 1e6:.1f} MB"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--upstream", action="store_true", help="be the model server")
    given = parser.parse_args()
    if given.upstream:
        _answers()
        return 0
    env = os.environ | {
        "LLM_BACKEND": "ollama",
        "OLLAMA_URL": f"http://127.0.0.1:{_UPSTREAM}",
        "PORT": str(_SERVICE),
        "LOG_LEVEL": "error",
        "RESPONSE_STORE": "none",
    }
    started = [
        subprocess.Popen([sys.executable, "-m", "tests.bench.embeddings", "--upstream"]),
        subprocess.Popen([sys.executable, "-m", "entrypoints.cli", "serve"], env=env),
    ]
    try:
        _await(_UPSTREAM)
        _await(_SERVICE)
        for encoding in ("base64", "float"):
            print(_measure(encoding, given.rounds, started[1]))
    finally:
        for process in started:
            process.terminate()
            process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
