"""A service in the background, for one command."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
import httpx

from entrypoints.settings.addresses import host_of_url

if TYPE_CHECKING:
    from collections.abc import Generator

    from entrypoints.settings import Settings

_ROOT = Path(__file__).parents[2]
_HERE = "127.0.0.1"
_LOOK_EVERY_S = 0.05
_START_S = 60
_END_S = 5
_KEY_BYTES = 16


class Place(NamedTuple):
    """Where a service answers, and the key that opens it."""

    url: str
    key: str | None


@contextlib.contextmanager
def service() -> Generator[Place]:
    """Run a service of this command's own, with the settings of here; it keeps nothing.

    Raises:
        click.ClickException: it does not start.
    """
    port = _free_port()
    place = Place(f"http://{_HERE}:{port}/v1", os.urandom(_KEY_BYTES).hex())
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            (sys.executable, "-P", "-m", "entrypoints.cli.attended"),
            env=_environment(port, str(place.key)),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C in the terminal stops an answer, not the service.
            start_new_session=True,
        )
        try:
            if not _up(place, process):
                log.seek(0)
                told = log.read().decode(errors="replace").strip()
                message = f"The service did not start; `local-chat doctor` looks why.\n{told}"
                raise click.ClickException(message)
            yield place
        finally:
            _end(process)


def own_url(settings: Settings) -> str:
    """Return where the service of these settings answers."""
    return f"http://{host_of_url(settings.host)}:{settings.port}/v1"


def answers(url: str) -> bool:
    """Return whether the service answers at ``url``, which ends with ``/v1``."""
    try:
        with httpx.Client(trust_env=False, timeout=2) as client:
            return client.get(f"{url.removesuffix('/v1')}/healthz").is_success
    except httpx.HTTPError:
        return False


def _environment(port: int, key: str) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH")))),
        "HOST": _HERE,
        "PORT": str(port),
        "API_KEY": key,
        "ALLOWED_HOSTS": _HERE,
        "RESPONSE_STORE": "none",
        "WORKERS": "1",
        "LOG_LEVEL": "warning",
        "LOG_FORMAT": "console",
        "NO_COLOR": "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        port: int = probe.getsockname()[1]
        return port


def _up(place: Place, process: subprocess.Popen[bytes]) -> bool:
    limit = time.monotonic() + _START_S
    while process.poll() is None and time.monotonic() < limit:
        if answers(place.url):
            return True
        time.sleep(_LOOK_EVERY_S)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
