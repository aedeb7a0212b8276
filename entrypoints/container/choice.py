"""Which backend answers, and with which model, where the settings leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.llamacpp import model_file
from adapters.ollama import probe
from adapters.scripted.builtin import ECHO
from entrypoints.container import backends

if TYPE_CHECKING:
    from entrypoints.settings import Settings

# Where Ollama listens unless told otherwise (Ollama `envconfig/config.go`).
_OLLAMA_URL = "http://localhost:11434"
_OLLAMA_MODEL = "llama3.2"


def decide(settings: Settings) -> Settings:
    """Return settings in which the backend, its address and the default model are set.

    ``auto`` is Ollama where an address is given or one answers at its usual place, and else
    the embedded engine. The default model of an Ollama is the usual one, or one that it has.
    """
    backend = settings.llm_backend
    if backend == "auto":
        found = settings.ollama_url or probe.answers(_OLLAMA_URL)
        backend = "ollama" if found else "embedded"
    settings = msgspec.structs.replace(
        settings, llm_backend=backend, ollama_url=settings.ollama_url or _OLLAMA_URL
    )
    return msgspec.structs.replace(settings, default_model=_default_model(settings))


def _default_model(settings: Settings) -> str:
    if settings.default_model:
        return settings.default_model
    if settings.llm_backend == "scripted":
        return next(iter(backends.source(settings).models), ECHO)
    if settings.llm_backend == "ollama":
        if _OLLAMA_MODEL in settings.aliases:
            return _OLLAMA_MODEL
        return probe.default_model(settings.model_servers, _OLLAMA_MODEL)
    return model_file.model_name(settings.gguf)
