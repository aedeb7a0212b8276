"""``compat``: the table of what is supported."""

from __future__ import annotations

import asyncio
import sys

import httpx
import msgspec
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from entrypoints import logging
from entrypoints.cli.output import console
from entrypoints.container import Container
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.settings import Settings


class _Field(msgspec.Struct):
    status: str
    note: str = ""


class _Shown(msgspec.Struct):
    statuses: dict[str, str]
    endpoints: list[str]
    fields: dict[str, dict[str, _Field]]


_STYLES = {"honoured": "green", "emulated": "cyan", "accepted": "yellow", "refused": "red"}


def run(*, as_json: bool) -> int:
    """Print the table; return the exit code."""
    logging.configure("error", "json")
    body = asyncio.run(_asked())
    if as_json:
        sys.stdout.write(f"{body.decode()}\n")
        return 0
    _show(msgspec.json.decode(body, type=_Shown))
    return 0


async def _asked() -> bytes:
    """Return the answer of the service of this very version, running or not."""
    settings = Settings(llm_backend="ollama", ollama_url="http://localhost", response_store="none")
    app = create_app(Container(settings=settings), Drain())
    transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # httpx spells ASGI otherwise
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.get("/compatibility")).raise_for_status().content


def _show(shown: _Shown) -> None:
    out = console()
    for endpoint, fields in shown.fields.items():
        table = Table.grid("", "", padding=(0, 2))
        for path, field in fields.items():
            note = f"  [dim]{escape(field.note)}[/]" if field.note else ""
            table.add_row(Text(field.status, _STYLES.get(field.status, "")), escape(path) + note)
        out.print(f"[bold]{escape(endpoint)}[/]", table, "", sep="\n")
    for status, meaning in shown.statuses.items():
        out.print(f"[bold]{status}[/]: {escape(meaning)}")
    others = [endpoint for endpoint in shown.endpoints if endpoint not in shown.fields]
    out.print("\nThese take what their schema on the page /docs says:")
    for endpoint in others:
        out.print(f"  {escape(endpoint)}")
