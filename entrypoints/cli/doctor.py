"""``doctor``: whether everything that the service needs is there."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from domain.errors import NotFoundError, ServiceError
from entrypoints import logging
from entrypoints.cli import checks, options
from entrypoints.cli.checks import Finding, State
from entrypoints.cli.output import console
from entrypoints.container import Container, decide
from entrypoints.settings import SettingsError

if TYPE_CHECKING:
    from application.ports.library import LibraryPort
    from entrypoints.settings import Settings

_STYLES = {State.OK: "green", State.NOTE: "yellow", State.BROKEN: "bold red"}
_WAIT_S = 30


class _Report(msgspec.Struct):
    ok: bool
    checks: Sequence[Finding]


def run(*, as_json: bool) -> int:
    """Print what is found; return the exit code: 1 if something is broken."""
    logging.configure("error", "json")
    findings = _findings()
    ok = all(finding.state is not State.BROKEN for finding in findings)
    if as_json:
        sys.stdout.write(f"{msgspec.json.encode(_Report(ok, findings)).decode()}\n")
    else:
        _show(findings)
    return 0 if ok else 1


def _findings() -> list[Finding]:
    try:
        given = options.settings()
        settings = decide(given)
    except SettingsError as error:
        return [checks.python(), *checks.bad_settings(error.problems), checks.proxies()]
    return [
        checks.python(),
        checks.good_settings(),
        *asyncio.run(_services(settings, chosen=given.llm_backend != "auto")),
        checks.address(settings),
        checks.proxies(),
        checks.open_files(settings),
    ]


async def _services(settings: Settings, *, chosen: bool) -> list[Finding]:
    """Look at what the service asks: models, and the store."""
    container = Container(settings=settings)
    try:
        servers = await _servers(container, settings, chosen=chosen)
        some = any(server.state is not State.BROKEN for server in servers)
        models = [await _model(container, settings)] if some else []
        return [*servers, *models, await _store(container, settings)]
    finally:
        await container.llm().aclose()
        await container.medium().aclose()


async def _servers(container: Container, settings: Settings, *, chosen: bool) -> list[Finding]:
    match settings.llm_backend:
        case "ollama":
            libraries = container.libraries().items()
            return [await _ollama(library, url) for url, library in libraries]
        case "openai":
            return [await _engine(container, ", ".join(settings.model_servers))]
        case "scripted":
            return [Finding("Models", State.NOTE, "none; answers are written beforehand")]
        case _:
            return [_embedded(settings, chosen=chosen)]


def _embedded(settings: Settings, *, chosen: bool) -> Finding:
    found = "the embedded engine, in the service itself"
    if chosen or settings.gguf is not None:
        return Finding("Models", State.OK, found)
    mend = "start Ollama, or set OLLAMA_URL to where it is, for models that are of use"
    return Finding("Models", State.NOTE, f"no Ollama here: {found}", mend)


async def _ollama(library: LibraryPort, url: str) -> Finding:
    try:
        async with asyncio.timeout(_WAIT_S):
            version = await library.version()
    except (ServiceError, TimeoutError):
        mend = "start it (ollama serve), or set OLLAMA_URL to where it is"
        return Finding("Models", State.BROKEN, f"Ollama at {url} does not answer", mend)
    finally:
        await library.aclose()
    return Finding("Models", State.OK, f"Ollama at {url}, version {version}")


async def _engine(container: Container, place: str) -> Finding:
    try:
        async with asyncio.timeout(_WAIT_S):
            await container.llm().check()
    except (ServiceError, TimeoutError) as error:
        why = error.message if isinstance(error, ServiceError) else "It does not answer."
        mend = "start it, or set UPSTREAM_URL and UPSTREAM_API_KEY to what it takes"
        return Finding("Models", State.BROKEN, f"{place}: {why}", mend)
    return Finding("Models", State.OK, f"an OpenAI-compatible engine at {place}")


async def _model(container: Container, settings: Settings) -> Finding:
    name = settings.default_model
    try:
        async with asyncio.timeout(_WAIT_S):
            details = await container.llm().show_model(name)
    except NotFoundError:
        fetched = f"local-chat pull {name}, or " if settings.llm_backend == "ollama" else ""
        mend = f"{fetched}set DEFAULT_MODEL to one that `local-chat models` lists"
        return Finding("Default model", State.BROKEN, f"{name} is not there", mend)
    except ServiceError as error:
        return Finding("Default model", State.BROKEN, f"{name}: {error.message}")
    except TimeoutError:
        return Finding("Default model", State.BROKEN, f"{name} cannot be looked at in time")
    context = (
        f", at most {details.context_length:,} tokens of context" if details.context_length else ""
    )
    return Finding("Default model", State.OK, f"{name}{context}")


async def _store(container: Container, settings: Settings) -> Finding:
    kind = settings.store_kind
    if kind in ("memory", "none"):
        return Finding("Responses", State.OK, f"kept in {kind}" if kind == "memory" else "not kept")
    room = checks.disk(settings) if kind == "sqlite" else None
    # A file that is not there is made when the service starts, not by looking.
    if room is not None and (room.state is State.BROKEN or not settings.store_path.exists()):
        return room
    try:
        async with asyncio.timeout(_WAIT_S):
            await container.medium().get("", "resp_doctor")
    except NotFoundError:
        return room or Finding("Responses", State.OK, "kept on a server, which answers")
    except (ServiceError, TimeoutError) as error:
        why = error.message if isinstance(error, ServiceError) else "it does not answer"
        return Finding("Responses", State.BROKEN, why, "set RESPONSE_STORE to another, or mend it")
    message = "a response that never was"
    raise AssertionError(message)


def _show(findings: Sequence[Finding]) -> None:
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        state = Text(finding.state, _STYLES[finding.state])
        found = escape(finding.found)
        if finding.mend:
            found += f"\n[dim]Mend it:[/] {escape(finding.mend)}"
        table.add_row(state, finding.check, found)
    console().print(table)
