"""An answer on its way to the reader."""

from __future__ import annotations

import contextlib
import re
import sys
from typing import TYPE_CHECKING, Protocol

from rich.live import Live
from rich.markdown import Markdown
from rich.segment import Segment

from entrypoints.cli.output import console

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from rich.console import Console, ConsoleOptions, RenderResult

    from entrypoints.cli.client import Piece

_FENCE = re.compile(r" {0,3}(```|~~~)")
# A model must not move the cursor or name the window.
_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
_FRAMES_PER_S = 12
_LOCAL_MODES = 3


@contextlib.contextmanager
def _unechoed() -> Generator[None]:
    """Keep what is typed meanwhile, ^C included, from disturbing what is drawn."""
    if not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415 - not everywhere

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    quiet = termios.tcgetattr(keyboard)
    quiet[_LOCAL_MODES] &= ~termios.ECHO
    termios.tcsetattr(keyboard, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


class Renderer(Protocol):
    """Takes an answer piece by piece."""

    def show(self, pieces: Iterable[Piece]) -> None:
        """Write each piece as it comes."""
        ...


def renderer() -> Renderer:
    """Return what writes to standard output: Markdown to a terminal, the bare text to others."""
    out = console()
    return Terminal(out) if out.is_terminal and not out.is_dumb_terminal else Plain()


class Plain:
    """Writes the answer and nothing else, as the model wrote it."""

    def show(self, pieces: Iterable[Piece]) -> None:
        """Write each piece as it comes."""
        last = "\n"
        try:
            for piece in pieces:
                if not piece.thinking:
                    sys.stdout.write(piece.text)
                    sys.stdout.flush()
                    last = piece.text[-1]
        finally:
            if last != "\n":
                sys.stdout.write("\n")
                sys.stdout.flush()


class Terminal:
    """Writes thinking dimmed and the answer as Markdown, block by block.

    Blocks that are complete are written for good; the one under way is drawn anew as it grows.
    """

    def __init__(self, out: Console) -> None:
        self._out = out

    def show(self, pieces: Iterable[Piece]) -> None:
        """Write each piece as it comes."""
        with _unechoed():
            self._show(pieces)

    def _show(self, pieces: Iterable[Piece]) -> None:
        status = self._out.status("")
        status.start()
        thought = False
        blocks = Blocks()
        tail = _Block("", live=True)
        live = Live(tail, console=self._out, transient=True, refresh_per_second=_FRAMES_PER_S)
        try:
            for piece in pieces:
                status.stop()
                text = piece.text.translate(_CONTROLS)
                if piece.thinking:
                    self._out.print(text, end="", style="dim italic", markup=False, soft_wrap=True)
                    thought = True
                    continue
                if thought:
                    self._out.print("\n")
                    thought = False
                live.start()
                for block in blocks.feed(text):
                    self._out.print(_Block(block))
                    self._out.print()
                tail.text = blocks.rest
        finally:
            status.stop()
            live.stop()
            if thought:
                self._out.print()
            if blocks.rest.strip():
                self._out.print(_Block(blocks.rest))


class Blocks:
    """Cuts Markdown at blank lines outside of code, where no indented line follows.

    Attributes:
        rest: what belongs to no complete block yet.
    """

    def __init__(self) -> None:
        self.rest = ""

    def feed(self, text: str) -> list[str]:
        """Return the blocks that ``text`` completes."""
        self.rest += text
        if "\n" not in self.rest:
            return []
        place = _last_cut(self.rest)
        block, self.rest = self.rest[:place], self.rest[place:]
        return [block] if block.strip() else []


def _last_cut(text: str) -> int:
    """Return where the last block begins."""
    cut = place = 0
    fence = ""
    blank = False
    for line in text.splitlines(keepends=True):
        if blank and not fence and not line[0].isspace():
            cut = place
        match = _FENCE.match(line)
        if match and fence in ("", match[1]):
            fence = "" if fence else match[1]
        blank = line.isspace()
        place += len(line)
    return cut


class _Block:
    """A block without the blank lines around it; where ``live``, its end that fits the screen."""

    def __init__(self, text: str, *, live: bool = False) -> None:
        self.text = text
        self._live = live

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(Markdown(self.text), options, pad=False)
        written = [number for number, line in enumerate(lines) if _is_written(line)]
        shown = lines[written[0] : written[-1] + 1] if written else []
        for line in shown[-max(1, console.height - 2) :] if self._live else shown:
            yield from line
            yield Segment.line()


def _is_written(line: list[Segment]) -> bool:
    return any(segment.text.strip() for segment in line)
