"""Ollama's errors to the domain's.

Texts change between versions and hold paths and registry names: a status or a known piece of
text decides, and the words that the caller reads are ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from adapters.engines import failures
from adapters.engines.decoding import UNREADABLE
from adapters.ollama import wire
from adapters.ollama.words import WORDS
from domain.errors import InvalidRequestError, NotFoundError, OverloadedError

if TYPE_CHECKING:
    from domain.errors import ServiceError

_NOT_FOUND = 404
_BUSY = (429, 503)

_PROMPT_TOO_LONG = re.compile(
    r"exceeds the available context size|exceed_context_size|longer than the context length"
    r"|input length.*exceeds|exceeds the context length|exceeds the model's maximum context"
    r"|no user query found in messages"
)
_LONGER = "Shorten it, or have a longer context asked for (NUM_CTX; 'num_ctx' in a request)."
_OPTION_TYPE = re.compile(r'option "(\w+)" must be of type (\w+)')


def stream_error(text: str, prompt: str = "messages") -> ServiceError:
    """Return what an error line inside a stream means.

    Args:
        text: Ollama's words.
        prompt: the client's name for what the model reads.
    """
    return _known(text, prompt) or failures.failed()


def status_error(
    status: int, body: bytes, model: str | None, prompt: str = "messages"
) -> ServiceError:
    """Return what an answer with an error status means.

    Args:
        status: the HTTP status; any but 200.
        body: the beginning of the answer's body.
        model: the model that the request named, where it named one.
        prompt: the client's name for what the model reads.
    """
    if status == _NOT_FOUND and model is not None:
        return model_not_found(model)
    if known := _known(_text(body), prompt):
        return known
    if status in _BUSY:
        return OverloadedError("The model server is busy; try again shortly.", code="server_busy")
    return failures.by_status(status)


def model_not_found(model: str) -> NotFoundError:
    """Return the error that names the mend."""
    return NotFoundError(
        f"The model '{model}' is not installed. Run `ollama pull {model}` to install it, "
        "or choose one in the list of models.",
        code="model_not_found",
        param="model",
    )


def _text(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=wire.ErrorBody).error
    except UNREADABLE:
        return body.decode("utf-8", "replace")


def _known(text: str, prompt: str) -> ServiceError | None:
    if _PROMPT_TOO_LONG.search(text):
        return _context_exceeded(text, prompt)
    if option := _OPTION_TYPE.search(text):
        name, kind = option.groups()
        return InvalidRequestError(
            f"The option '{name}' must be of type {kind}.",
            code="invalid_type",
            param=f"options.{name}",
        )
    return failures.known(text, WORDS)


def _context_exceeded(text: str, prompt: str) -> InvalidRequestError:
    try:
        inner = msgspec.json.decode(text, type=wire.InnerErrorBody).error
    except UNREADABLE:
        counts = [int(number) for number in re.findall(r"\((\d{1,18}) tokens\)", text)]
        asked, limit = counts if len(counts) == 2 else (0, 0)  # noqa: PLR2004 - asked and limit
        return failures.too_long(prompt, asked, limit, mend=_LONGER)
    return failures.too_long(prompt, inner.n_prompt_tokens, inner.n_ctx, mend=_LONGER)
