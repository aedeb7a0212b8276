"""A command in a terminal: what it shows is read, what a person types is written."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.command import LIMIT_S, command, environment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
_ROWS, _COLUMNS = 40, 80
_ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[=>])")
CTRL_C = "\x03"
CTRL_D = "\x04"


class Terminal:
    """A terminal of 80 columns.

    Attributes:
        raw: all that was written to it, escape sequences included.
    """

    def __init__(self, process: asyncio.subprocess.Process, keyboard: int) -> None:
        self.raw = b""
        self._process = process
        self._keyboard = keyboard
        self._seen = 0
        self._news = asyncio.Event()
        asyncio.get_running_loop().add_reader(keyboard, self._read)

    @property
    def text(self) -> str:
        """All that was written to it, without escape sequences."""
        text = _ESCAPES.sub("", self.raw.decode(errors="replace"))
        return text.replace("\r", "")

    async def shows(self, *texts: str) -> str:
        """Wait until these texts have come, each after the one before; return all since then."""
        began = self._seen
        async with asyncio.timeout(LIMIT_S):
            for text in texts:
                while (place := self.text.find(text, self._seen)) < 0:
                    self._news.clear()
                    await self._news.wait()
                self._seen = place + len(text)
        return self.text[began : self._seen]

    def types(self, text: str) -> None:
        """Type ``text``."""
        os.write(self._keyboard, text.encode())

    async def ended(self) -> int:
        """Return the exit code once the command has ended."""
        async with asyncio.timeout(LIMIT_S):
            return await self._process.wait()

    async def waits(self) -> None:
        """Wait until the command sleeps, where the system tells.

        Python loses an interrupt that comes just before readline waits for the next key.
        """
        while _state(self._process.pid) not in ("S", ""):  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)

    def child_ended(self) -> asyncio.Event:
        """Return what is set once the one process that the command has started has ended."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
        watch = os.pidfd_open(int(children))
        ended = asyncio.Event()

        def note() -> None:
            asyncio.get_running_loop().remove_reader(watch)
            os.close(watch)
            ended.set()

        asyncio.get_running_loop().add_reader(watch, note)
        return ended

    def close(self) -> None:
        """Read no more."""
        asyncio.get_running_loop().remove_reader(self._keyboard)

    def _read(self) -> None:
        try:
            self.raw += os.read(self._keyboard, 65536)
        except OSError:
            # Linux tells the end of a terminal so.
            self.close()
        self._news.set()


def _state(process: int) -> str:
    """Return the letter for what a process does; nothing where the system does not tell."""
    file = Path(f"/proc/{process}/stat")
    return file.read_text(encoding="utf-8").rpartition(")")[2].split()[0] if file.exists() else ""


@contextlib.asynccontextmanager
async def terminal(*arguments: str, folder: Path, **variables: str) -> AsyncGenerator[Terminal]:
    """Run ``local-chat`` in a terminal, in ``folder``."""
    keyboard, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *command(*arguments),
        cwd=folder,
        env=environment(**{"TERM": "xterm-256color", **variables}),
        stdin=inside,
        stdout=inside,
        stderr=inside,
        preexec_fn=lambda: _own(inside),
    )
    os.close(inside)
    shown = Terminal(process, keyboard)
    try:
        yield shown
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        shown.close()
        os.close(keyboard)


def _own(inside: int) -> None:
    """Make the terminal the process's own, so that Ctrl-C in it is a signal to it."""
    os.setsid()
    fcntl.ioctl(inside, termios.TIOCSCTTY, 0)
    # A shell has what it starts in the background ignore that, and so all that this starts.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
