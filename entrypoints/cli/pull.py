"""``pull``: fetch a model into Ollama."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

import click
import msgspec
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from domain.errors import UpstreamUnavailableError
from entrypoints.cli import options
from entrypoints.cli.output import console
from entrypoints.container import Container, decide

if TYPE_CHECKING:
    from application.ports.library import LibraryPort
    from domain.models import PullProgress
    from entrypoints.settings import Settings

_BAR_WIDTH = 24


class Display(Protocol):
    """Shows how far the fetching is."""

    def show(self, progress: PullProgress) -> None:
        """Show it."""
        ...


def run(name: str | None, *, as_json: bool) -> int:
    """Fetch a model; return the exit code.

    Raises:
        SettingsError: settings that cannot be used.
        click.UsageError: the models are not Ollama's.
        click.ClickException: an Ollama cannot be reached.
        ServiceError: it cannot be fetched.
    """
    settings = _into_ollama(options.settings())
    wanted = name or settings.default_model
    model = settings.aliases.get(wanted, wanted)
    try:
        for url, library in Container(settings=settings).libraries().items():
            if as_json:
                _fetched(library, model, _Lines(), url)
            else:
                _shown(library, model, url)
    except KeyboardInterrupt:
        console(errors=True).print("Stopped; the same command goes on from here.")
        raise
    return 0


def _into_ollama(settings: Settings) -> Settings:
    if settings.llm_backend in ("openai", "scripted"):
        message = f"Models are fetched into an Ollama, and LLM_BACKEND is {settings.llm_backend}."
        raise click.UsageError(message)
    return decide(msgspec.structs.replace(settings, llm_backend="ollama"))


def _shown(library: LibraryPort, model: str, url: str) -> None:
    out = console()
    if not out.is_terminal:
        _fetched(library, model, _Steps(), url)
    else:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(_BAR_WIDTH),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(compact=True),
        )
        with Progress(*columns, console=out, transient=True) as bar:
            _fetched(library, model, _Bar(bar), url)
    out.print(f"{escape(model)} is at {url}")


def _fetched(library: LibraryPort, model: str, display: Display, url: str) -> None:
    try:
        asyncio.run(_pull(library, model, display))
    except UpstreamUnavailableError as error:
        mend = "start it (ollama serve), or set OLLAMA_URL to where it is"
        message = f"Ollama at {url} cannot be reached: {mend}."
        raise click.ClickException(message) from error


async def _pull(library: LibraryPort, model: str, display: Display) -> None:
    try:
        async with aclosing(library.pull(model)) as progresses:
            async for progress in progresses:
                display.show(progress)
    finally:
        await library.aclose()


class _Bar:
    """One bar for all parts; what a step does stands beside it."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("asking", total=None)
        self._parts: dict[str, PullProgress] = {}

    def show(self, progress: PullProgress) -> None:
        if progress.part is None:
            self._bar.update(self._task, description=escape(progress.step))
            return
        self._parts[progress.part] = progress
        parts = self._parts.values()
        self._bar.update(
            self._task,
            description="fetching",
            total=sum(part.total_bytes for part in parts) or None,
            completed=sum(part.completed_bytes for part in parts),
        )


class _Steps:
    """A line for each step."""

    def __init__(self) -> None:
        self._step = ""

    def show(self, progress: PullProgress) -> None:
        if progress.step != self._step:
            self._step = progress.step
            print(self._step, flush=True)


class _Lines:
    """A JSON object for each progress."""

    def show(self, progress: PullProgress) -> None:
        sys.stdout.write(f"{msgspec.json.encode(progress).decode()}\n")
        sys.stdout.flush()
