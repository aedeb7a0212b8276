"""Options by Ollama's names to those of engines that speak OpenAI's API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.engines.options import NUMBER, TEXTS, WHOLE, Kind
from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from domain.chat import EngineOptions


# vLLM, SGLang and llama.cpp's server take all of these. The one against repetition has two names;
# each of the three passes over the one that is not its own.
_KNOWN: dict[str, tuple[tuple[str, ...], Kind]] = {
    "frequency_penalty": (("frequency_penalty",), NUMBER),
    "min_p": (("min_p",), NUMBER),
    "num_predict": (("max_tokens",), WHOLE),
    "presence_penalty": (("presence_penalty",), NUMBER),
    "repeat_penalty": (("repetition_penalty", "repeat_penalty"), NUMBER),
    "seed": (("seed",), WHOLE),
    "stop": (("stop",), TEXTS),
    "temperature": (("temperature",), NUMBER),
    "top_k": (("top_k",), WHOLE),
    "top_p": (("top_p",), NUMBER),
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
        named |= dict.fromkeys(theirs, kind.check(name, value))
    return named
