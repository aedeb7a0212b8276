"""Domain requests to llama.cpp's bytes: its form of an OpenAI chat request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from adapters.engines import asking
from adapters.llamacpp import parameters
from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.llamacpp.marks import Marks
    from domain.chat import ChatRequest, EngineOptions
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest
    from domain.messages import Message
    from domain.sampling import Sampling

_encode = msgspec.json.Encoder().encode


def encode(request: ChatRequest) -> bytes:
    """Return what the engine is asked with.

    Raises:
        InvalidRequestError: the request asks for what this engine does not do.
    """
    return _encode(body(request))


def body(request: ChatRequest) -> dict[str, Any]:
    """Return the request as the engine's JSON object, with nothing in it that was not set.

    Raises:
        InvalidRequestError: the request asks for what this engine does not do.
    """
    _refuse_truncation(request.engine)
    return {
        "messages": [_message(place, message) for place, message in enumerate(request.messages)],
        # A word after every batch of the prompt: the moments at which reading it can be stopped.
        "return_progress": True,
        **asking.chat(request),
        **_seed(request.sampling),
        **parameters.translate(request.engine.parameters),
    }


def completion(request: CompletionRequest, marks: Marks | None) -> bytes:
    """Return what the engine is asked with to go on with a bare prompt.

    Args:
        request: what is wanted.
        marks: the tokens that go around a suffix, where the model has them.

    Raises:
        InvalidRequestError: the request asks for what this engine, or the model, does not do.
    """
    _refuse_truncation(request.engine)
    return _encode(
        {
            "return_progress": True,
            **asking.completion(request),
            **_around_hole(request, marks),
            **_seed(request.sampling),
            **parameters.translate(request.engine.parameters),
        }
    )


def embedding(request: EmbedRequest, texts: Sequence[str]) -> bytes:
    """Return what the engine is asked with for vectors of some of the request's texts.

    Raises:
        InvalidRequestError: the request asks for what this engine does not do.
    """
    _refuse_truncation(request.engine)
    return _encode({"input": texts, "encoding_format": "base64"})


def _around_hole(request: CompletionRequest, marks: Marks | None) -> dict[str, Any]:
    if request.suffix is None:
        return {}
    if marks is None:
        message = "The model has no marks for text in the middle; leave out 'suffix'."
        raise InvalidRequestError(message, code="unsupported_parameter", param="suffix")
    # Before the first text the engine adds the token that begins all texts, if the model has one.
    before = ("", marks.prefix, request.prompt)
    return {"prompt": [*before, marks.suffix, request.suffix, marks.middle]}


def _refuse_truncation(engine: EngineOptions) -> None:
    if engine.truncate:
        message = "The embedded engine does not cut what it reads to its context; shorten it."
        raise InvalidRequestError(message, code="unsupported_parameter", param="truncate")


def _message(place: int, message: Message) -> dict[str, Any]:
    if message.images:
        refused = "The embedded engine cannot see images."
        param = f"messages[{place}].content"
        raise InvalidRequestError(refused, code="unsupported_content", param=param)
    named = {
        "reasoning_content": message.reasoning,
        "tool_calls": [asking.call(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
        "name": message.tool_name,
    }
    return {
        "role": message.role.value,
        "content": message.text,
        **{name: value for name, value in named.items() if value},
    }


def _seed(sampling: Sampling) -> dict[str, Any]:
    return {} if sampling.seed is None else {"seed": parameters.seed(sampling.seed)}
