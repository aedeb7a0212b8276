"""Options by Ollama's names to llama.cpp's (llama.cpp ``tools/server/README.md``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from domain.tools import JSONObject


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a parameter must be, for msgspec and for people."""

    type: object
    words: str


_WHOLE = _Kind(int, "a whole number")
_NUMBER = _Kind(float, "a number")
_TEXTS = _Kind(list[str], "a list of texts")

_KNOWN = {
    "frequency_penalty": ("frequency_penalty", _NUMBER),
    "min_p": ("min_p", _NUMBER),
    "mirostat": ("mirostat", _WHOLE),
    "mirostat_eta": ("mirostat_eta", _NUMBER),
    "mirostat_tau": ("mirostat_tau", _NUMBER),
    "num_keep": ("n_keep", _WHOLE),
    "num_predict": ("max_tokens", _WHOLE),
    "presence_penalty": ("presence_penalty", _NUMBER),
    "repeat_last_n": ("repeat_last_n", _WHOLE),
    "repeat_penalty": ("repeat_penalty", _NUMBER),
    "seed": ("seed", _WHOLE),
    "stop": ("stop", _TEXTS),
    "temperature": ("temperature", _NUMBER),
    "top_k": ("top_k", _WHOLE),
    "top_p": ("top_p", _NUMBER),
    "typical_p": ("typical_p", _NUMBER),
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
    try:
        checked: object = msgspec.convert(value, kind.type)
    except msgspec.ValidationError as error:
        message = f"The option '{name}' must be {kind.words}."
        raise InvalidRequestError(message, code="invalid_type", param=f"options.{name}") from error
    return theirs, seed(checked) if name == "seed" and isinstance(checked, int) else checked


def _unknown(name: str) -> InvalidRequestError:
    message = (
        "The embedded engine's context length is fixed when it starts."
        if name == "num_ctx"
        else f"The embedded engine has no option '{name}' for a single request."
    )
    return InvalidRequestError(message, code="unsupported_parameter", param=f"options.{name}")
