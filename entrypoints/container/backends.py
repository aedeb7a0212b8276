"""Builds what answers: model servers, or what was written beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from adapters.ollama.library import OllamaLibrary
from adapters.ollama.llm import OllamaLLM
from adapters.openai_upstream.llm import OpenAILLM
from adapters.scripted import script, tape
from adapters.scripted.builtin import Builtin
from adapters.scripted.errors import SourceError
from adapters.scripted.llm import ScriptedLLM
from adapters.scripted.recording import RecordingLLM
from adapters.scripted.replay import Recording
from adapters.transport.upstream import Upstream
from application.pool import pooled
from entrypoints.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.ollama.requests import ContextWindows
    from adapters.scripted.steps import Source
    from application.ports.library import LibraryPort
    from application.ports.llm import LLMPort
    from application.ports.system import IdPort
    from entrypoints.settings import Settings


def upstreams(settings: Settings) -> Mapping[str, Upstream]:
    """Return the model servers, by their addresses."""
    connect_s, urls = settings.connect_timeout_s, settings.model_servers
    if settings.uses_engines:
        key = settings.upstream_api_key
        return {url: Upstream(url, connect_s=connect_s, key=key, reuse=False) for url in urls}
    return {url: Upstream(url, connect_s=connect_s) for url in urls}


def ollama(servers: Mapping[str, Upstream], ids: IdPort, windows: ContextWindows) -> LLMPort:
    """Return every Ollama, as one."""
    return pooled({url: OllamaLLM(server, ids, windows) for url, server in servers.items()})


def libraries(settings: Settings) -> Mapping[str, LibraryPort]:
    """Return what each Ollama keeps, by its address."""
    connect_s = settings.connect_timeout_s
    return {
        url: OllamaLibrary(Upstream(url, connect_s=connect_s)) for url in settings.model_servers
    }


def engines(servers: Mapping[str, Upstream], ids: IdPort) -> LLMPort:
    """Return every engine that speaks OpenAI's API, as one."""
    return pooled({url: OpenAILLM(server, ids) for url, server in servers.items()})


def scripted(settings: Settings) -> LLMPort:
    """Return what answers as it was written or recorded beforehand.

    Raises:
        SettingsError: the file cannot be used.
    """
    return ScriptedLLM(source(settings))


def source(settings: Settings) -> Source:
    """Return what the scripted backend answers by.

    Raises:
        SettingsError: the file cannot be used.
    """
    try:
        if settings.record_file:
            return Recording(tape.read(Path(settings.record_file)))
        return script.load(Path(settings.script_file)) if settings.script_file else Builtin()
    except SourceError as error:
        name = "RECORD_FILE" if settings.record_file else "SCRIPT_FILE"
        raise SettingsError([f"{name}: {error}"]) from error


def recorded(backend: LLMPort, settings: Settings) -> LLMPort:
    """Return the backend, around it what writes its answers down if that is wanted."""
    if not settings.record_file or settings.llm_backend == "scripted":
        return backend
    return RecordingLLM(backend, Path(settings.record_file))
