"""Options by Ollama's names to llama.cpp's (llama.cpp ``tools/server/README.md``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.engines.options import NUMBER, TEXTS, WHOLE
from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from domain.tools import JSONObject

_KNOWN = {
    "frequency_penalty": ("frequency_penalty", NUMBER),
    "min_p": ("min_p", NUMBER),
    "mirostat": ("mirostat", WHOLE),
    "mirostat_eta": ("mirostat_eta", NUMBER),
    "mirostat_tau": ("mirostat_tau", NUMBER),
    "num_keep": ("n_keep", WHOLE),
    "num_predict": ("max_tokens", WHOLE),
    "presence_penalty": ("presence_penalty", NUMBER),
    "repeat_last_n": ("repeat_last_n", WHOLE),
    "repeat_penalty": ("repeat_penalty", NUMBER),
    "seed": ("seed", WHOLE),
    "stop": ("stop", TEXTS),
    "temperature": ("temperature", NUMBER),
    "top_k": ("top_k", WHOLE),
    "top_p": ("top_p", NUMBER),
    "typical_p": ("typical_p", NUMBER),
}

# llama.cpp takes 32 bits, of which the highest value asks for a seed by chance.
_SEEDS = 2**32 - 1


def translate(parameters: JSONObject) -> dict[str, object]:
    """Return ``parameters`` under llama.cpp's names.

    Raises:
        InvalidRequestError: the engine has no such parameter, or another type of it. llama.cpp
            itself would pass over both without a word.
    """
    return dict(_translated(name, value) for name, value in parameters.items())


def seed(value: int) -> int:
    """Return the engine's seed for any whole number; the same for the same."""
    return value % _SEEDS


def _translated(name: str, value: object) -> tuple[str, object]:
    if name not in _KNOWN:
        raise _unknown(name)
    theirs, kind = _KNOWN[name]
    checked = kind.check(name, value)
    return theirs, seed(checked) if name == "seed" and isinstance(checked, int) else checked


def _unknown(name: str) -> InvalidRequestError:
    message = (
        "The embedded engine's context length is fixed when it starts."
        if name == "num_ctx"
        else f"The embedded engine has no option '{name}' for a single request."
    )
    return InvalidRequestError(message, code="unsupported_parameter", param=f"options.{name}")
