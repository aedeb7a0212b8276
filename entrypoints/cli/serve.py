"""``serve``: run the HTTP service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from entrypoints import logging
from entrypoints.cli import listening, supervisor
from entrypoints.cli.open_files import raise_limit
from entrypoints.cli.server import COULD_NOT_START, Server, config_of, serve
from entrypoints.container import Container, decide
from entrypoints.http.drain import Drain
from entrypoints.settings import WORKERS_NEED_A_SERVER, SettingsError
from entrypoints.settings.addresses import EVERYWHERE, host_of_url

if TYPE_CHECKING:
    from entrypoints.settings import Settings

_SHORTEST_SAFE_KEY = 16


def run(settings: Settings) -> int:
    """Serve until told to stop; return the exit code."""
    logging.configure(settings.log_level, settings.log_format)
    if obstacle := _obstacle(settings):
        print(obstacle, file=sys.stderr, flush=True)
        return COULD_NOT_START
    settings = decide(settings)
    if settings.workers > 1 and settings.llm_backend == "embedded":
        raise SettingsError([WORKERS_NEED_A_SERVER])
    print(banner(settings), file=sys.stderr, flush=True)
    if warning := raise_limit(settings):
        print(warning, file=sys.stderr, flush=True)
    container = Container(settings=settings)
    if settings.workers > 1:
        return supervisor.run(container)
    drain = Drain()
    server = Server(config_of(container, drain), drain, settings.shutdown_grace_s)
    return serve(server, container)


def banner(settings: Settings) -> str:
    """Return what a person should know at the start."""
    host = host_of_url(settings.host)
    at = f"http://{'localhost' if host == '127.0.0.1' else host}:{settings.port}"
    lines = [_models(settings), f"API: {at}/v1  Page: {at}/  Reference: {at}/docs"]
    if settings.host in EVERYWHERE:
        lines.append(f"It listens at all addresses of this machine ({settings.host}).")
    if not settings.is_local and not settings.guarded:
        lines.append(
            f"Warning: whoever reaches port {settings.port} may ask, without a key "
            "(ALLOW_NO_AUTH); set API_KEY to ask for one."
        )
    if any(len(key) < _SHORTEST_SAFE_KEY for key in settings.api_keys):
        lines.append("Warning: API_KEY has a key of under 16 characters, which can be guessed.")
    return "\n".join(lines)


def _obstacle(settings: Settings) -> str | None:
    """Return why it cannot listen where it should, and how to mend that; None where it can."""
    try:
        listening.check(settings.host, settings.port)
    except OSError:
        from entrypoints.cli import checks  # noqa: PLC0415 - no service that runs needs it

        finding = checks.address(settings)
        mend = finding.mend or f"choose another port: --port {checks.next_port(settings)}"
        return f"It cannot listen: {finding.found}.\nMend it: {mend}"
    return None


def _models(settings: Settings) -> str:
    model = settings.default_model
    if settings.model_servers:
        kind = "an OpenAI-compatible engine" if settings.uses_engines else "Ollama"
        places = ", ".join(settings.model_servers)
        return (
            f"Models: {kind} at {places}; the default model is '{model}' "
            "(DEFAULT_MODEL chooses another)."
        )
    if settings.llm_backend == "scripted":
        written = settings.script_file or settings.record_file
        by = f"by {written}" if written else "by the names of models (docs/testing.md)"
        return f"Models: none; answers are written beforehand, {by}. For tests."
    if settings.gguf is not None:
        return f"Models: llama.cpp in this process with your file, as '{model}'."
    return (
        f"Models: only the small demonstration model '{model}', in this process; it is no "
        "assistant. Start Ollama or set OLLAMA_URL for yours, or EMBEDDED_MODEL_PATH for a "
        "GGUF file."
    )
