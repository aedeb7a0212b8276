"""``keys``: who may ask the service."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich import box
from rich.markup import escape
from rich.table import Table

from application.ports.keys import KeyFileError
from entrypoints.cli.output import console
from entrypoints.container import Container
from entrypoints.settings import Settings, written

if TYPE_CHECKING:
    from collections.abc import Callable

    from application.keys import KeysService
    from domain.key_lines import KeyLines
    from domain.keys import Key, KeyLimits

_SETTING = "API_KEY_FILE"


def new(file: str | None, name: str, limits: KeyLimits) -> int:
    """Print a new key; return the exit code."""

    def run(keys: KeysService) -> int:
        sys.stdout.write(f"{keys.create(name, limits)}\n")
        sys.stdout.flush()
        _say(f"This is the key of '{name}'. It is shown this once; the file holds its digest only.")
        _warn(keys.list())
        return 0

    return _with_keys(file, run)


def show(file: str | None, *, as_json: bool) -> int:
    """Print who has keys; return the exit code."""

    def run(keys: KeysService) -> int:
        lines = keys.list()
        if as_json:
            shown = [_shown(number, key) for number, key in lines.keys.items()]
            sys.stdout.write(f"{msgspec.json.encode(shown).decode()}\n")
        elif lines.keys:
            console().print(_table(lines))
        else:
            _say("There are no keys yet: local-chat keys new NAME")
        _warn(lines)
        return 1 if lines.problems else 0

    return _with_keys(file, run)


def revoke(file: str | None, name: str) -> int:
    """Take the keys of a name back; return the exit code."""

    def run(keys: KeysService) -> int:
        keys.revoke(name)
        _say(f"'{name}' has no key any more.")
        _warn(keys.list())
        return 0

    return _with_keys(file, run)


def _with_keys(file: str | None, run: Callable[[KeysService], int]) -> int:
    path = file or written(_SETTING, os.environ, Path(".env"))
    if not path:
        message = f"Say which file holds the keys: set {_SETTING}, or give --file."
        raise click.UsageError(message)
    try:
        return run(Container(settings=Settings(api_key_file=path)).keys())
    except KeyFileError as error:
        _say(f"{path}: {error}.")
        return 1


def _say(text: str) -> None:
    # Only what is asked for goes where programs read.
    click.echo(text, err=True)


def _warn(lines: KeyLines) -> None:
    if lines.problems:
        _say("The service takes nothing of this file until these lines are mended:")
        for problem in lines.problems:
            _say(f"  {problem}")


def _shown(number: int, key: Key) -> dict[str, object]:
    """Return a key as programs read it; None for no limit, and for every model."""
    limits = asdict(key.limits) | {"models": key.limits.models or None}
    return {"line": number, "name": key.name, **limits}


def _table(lines: KeyLines) -> Table:
    shown = Table("name", box=box.SIMPLE_HEAD, pad_edge=False)
    shown.columns[0].overflow = "fold"
    for head in ("line", "requests/min", "tokens/min", "at a time"):
        shown.add_column(head, justify="right")
    shown.add_column("models", overflow="fold")
    for number, key in lines.keys.items():
        limits = key.limits
        counts = (limits.requests_per_minute, limits.tokens_per_minute, limits.concurrency)
        told = ["" if count is None else f"{count:,}" for count in counts]
        models = ", ".join(limits.models) or "all"
        shown.add_row(key.name or "[dim]none[/]", str(number), *told, escape(models))
    return shown
