"""A real Valkey server, or Redis, which speaks the same."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_READY = b"eady to accept connections"


def program() -> str | None:
    """Return where the server's program is."""
    return shutil.which("valkey-server") or shutil.which("redis-server")


class ValkeyServer:
    """A server on a Unix socket in a folder of its own; keeps nothing on the disk."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = directory / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"unix://{self._socket}"

    def start(self, *options: str) -> None:
        """Return once it answers."""
        path = program()
        assert path is not None
        self._process = subprocess.Popen(  # noqa: S603 - a program from PATH
            [path, *self._options(), *options], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        with self._process.stdout as log:
            if not any(_READY in line for line in log):
                message = "The server ended instead of starting."
                raise RuntimeError(message)

    def stop(self) -> None:
        """Return once it is gone; what it held is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _options(self) -> list[str]:
        given = {
            "port": "0",
            "unixsocket": str(self._socket),
            "dir": str(self._directory),
            "save": "",
            "appendonly": "no",
        }
        return [word for name, value in given.items() for word in (f"--{name}", value)]
