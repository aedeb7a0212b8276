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
    the embedded engine.
    """
    backend = settings.llm_backend
    if backend == "auto":
        found = settings.ollama_url or probe.answers(_OLLAMA_URL)
        backend = "ollama" if found else "embedded"
    model = settings.default_model
    if not model and backend == "scripted":
        model = next(iter(backends.source(settings).models), ECHO)
    elif not model:
        model = _OLLAMA_MODEL if backend == "ollama" else model_file.model_name(settings.gguf)
    return msgspec.structs.replace(
        settings,
        llm_backend=backend,
        ollama_url=settings.ollama_url or _OLLAMA_URL,
        default_model=model,
    )
