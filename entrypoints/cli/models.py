"""``models``: what can be asked."""

from __future__ import annotations

import sys

import msgspec
from rich import box
from rich.markup import escape
from rich.table import Table

from entrypoints.cli.client import connected
from entrypoints.cli.output import console

# Columns of a terminal under which only what matters most is shown.
_NARROW = 64
# Longer names are broken there.
_WHOLE_NAME = 20


class Model(msgspec.Struct):
    """A model of the list; None for what the service does not tell."""

    id: str
    parameter_size: str | None = None
    quantization: str | None = None
    context_length: int | None = None
    loaded: bool | None = None
    alias_of: str | None = None


class _Models(msgspec.Struct):
    data: list[Model]


def run(url: str | None, key: str | None, *, as_json: bool) -> int:
    """Print the models; return the exit code."""
    with connected(url, key) as client:
        body = client.models()
    if as_json:
        sys.stdout.write(f"{body.decode()}\n")
        return 0
    models = decoded(body)
    if models:
        console().print(table(models))
    else:
        console(errors=True).print("There are no models yet: local-chat pull llama3.2")
    return 0


def decoded(body: bytes) -> list[Model]:
    """Return the models of the list that a service sent."""
    return msgspec.json.decode(body, type=_Models).data


def table(models: list[Model]) -> Table:
    """Return the models as a table."""
    narrow = console().width < _NARROW
    more = () if narrow else ("size", "quantisation")
    shown = Table("name", *more, box=box.SIMPLE_HEAD, pad_edge=False)
    shown.columns[0].overflow = "fold"
    if narrow:
        longest = max((len(model.id) for model in models), default=0)
        shown.columns[0].min_width = min(longest, _WHOLE_NAME)
    shown.add_column("context", justify="right")
    shown.add_column("loaded")
    for model in models:
        name = escape(model.id) + (f" [dim]= {escape(model.alias_of)}[/]" if model.alias_of else "")
        context = f"{model.context_length:,}" if model.context_length else ""
        loaded = "[green]yes[/]" if model.loaded else ""
        details = () if narrow else (model.parameter_size, model.quantization)
        shown.add_row(name, *details, context, loaded)
    return shown
