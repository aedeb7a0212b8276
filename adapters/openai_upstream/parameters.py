"""Options by Ollama's names to those of engines that speak OpenAI's API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from domain.chat import EngineOptions


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a parameter must be, for msgspec and for people."""

    type: object
    words: str


_WHOLE = _Kind(int, "a whole number")
_NUMBER = _Kind(float, "a number")
_TEXTS = _Kind(list[str], "a list of texts")

# vLLM, SGLang and llama.cpp's server take all of these. The one against repetition has two names;
# each of the three passes over the one that is not its own.
_KNOWN: dict[str, tuple[tuple[str, ...], _Kind]] = {
    "frequency_penalty": (("frequency_penalty",), _NUMBER),
    "min_p": (("min_p",), _NUMBER),
    "num_predict": (("max_tokens",), _WHOLE),
    "presence_penalty": (("presence_penalty",), _NUMBER),
    "repeat_penalty": (("repetition_penalty", "repeat_penalty"), _NUMBER),
    "seed": (("seed",), _WHOLE),
    "stop": (("stop",), _TEXTS),
    "temperature": (("temperature",), _NUMBER),
    "top_k": (("top_k",), _WHOLE),
    "top_p": (("top_p",), _NUMBER),
}


def translate(engine: EngineOptions) -> dict[str, Any]:
    """Return the options under the engines' names.

    Raises:
        InvalidRequestError: OpenAI's API has no way to say one of them, or it is of another type.
    """
    if engine.truncate:
        message = "This model server does not cut what it reads to its context; shorten it."
        raise InvalidRequestError(message, code="unsupported_parameter", param="truncate")
    if engine.keep_alive is not None:
        message = "This model server decides by itself how long a model stays loaded."
        raise InvalidRequestError(message, code="unsupported_parameter", param="keep_alive")
    named: dict[str, Any] = {}
    for name, value in engine.parameters.items():
        if name not in _KNOWN:
            message = f"This model server takes no option '{name}'."
            param = f"options.{name}"
            raise InvalidRequestError(message, code="unsupported_parameter", param=param)
        theirs, kind = _KNOWN[name]
        named |= dict.fromkeys(theirs, _checked(name, value, kind))
    return named


def _checked(name: str, value: object, kind: _Kind) -> object:
    try:
        return msgspec.convert(value, kind.type)
    except msgspec.ValidationError as error:
        message = f"The option '{name}' must be {kind.words}."
        raise InvalidRequestError(message, code="invalid_type", param=f"options.{name}") from error
