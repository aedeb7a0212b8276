"""Domain requests to OpenAI's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from adapters.engines import asking
from adapters.openai_upstream import parameters
from domain.errors import InvalidRequestError
from domain.messages import ImagePart, TextPart
from domain.sampling import ReasoningEffort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest
    from domain.messages import Message

_encode = msgspec.json.Encoder().encode

# OpenAI's word for a model's own level.
_EFFORTS: Mapping[ReasoningEffort, str] = {
    **{effort: effort.value for effort in ReasoningEffort},
    ReasoningEffort.ON: "medium",
}


def chat(request: ChatRequest, model: str) -> bytes:
    """Return the body of POST /v1/chat/completions; only what the request sets is in it.

    Args:
        request: what is wanted.
        model: the engine's own spelling of the model's name.

    Raises:
        InvalidRequestError: the request asks for what OpenAI's API cannot say.
    """
    return _encode(
        {
            "model": model,
            "messages": [_message(message) for message in request.messages],
            **asking.chat(request),
            **_reasoning(request.reasoning),
            **parameters.translate(request.engine),
        }
    )


def completion(request: CompletionRequest, model: str) -> bytes:
    """Return the body of POST /v1/completions.

    Raises:
        InvalidRequestError: the request asks for what OpenAI's API cannot say.
    """
    return _encode(
        {
            "model": model,
            **asking.completion(request),
            **({} if request.suffix is None else {"suffix": request.suffix}),
            **parameters.translate(request.engine),
        }
    )


def embedding(request: EmbedRequest, model: str) -> bytes:
    """Return the body of POST /v1/embeddings; vectors are asked for whole, and shortened later.

    Raises:
        InvalidRequestError: the request has options.
    """
    options = parameters.translate(request.engine)
    for name in options:
        message = f"This model server takes no option '{name}' for vectors."
        raise InvalidRequestError(message, code="unsupported_parameter", param=f"options.{name}")
    return _encode({"model": model, "input": request.texts, "encoding_format": "base64"})


def _message(message: Message) -> dict[str, Any]:
    # A tool's name has no place in OpenAI's form; the call's id leads to it.
    named = {
        "reasoning_content": message.reasoning,
        "tool_calls": [asking.call(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
    }
    return {
        "role": message.role.value,
        "content": _content(message),
        **{name: value for name, value in named.items() if value},
    }


def _content(message: Message) -> str | list[dict[str, Any]]:
    if isinstance(message.content, str) or not message.images:
        return message.text
    return [_part(part) for part in message.content if isinstance(part, TextPart | ImagePart)]


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    match part:
        case ImagePart(media_type, base64):
            url = f"data:{media_type};base64,{base64}"
            return {"type": "image_url", "image_url": {"url": url}}
        case TextPart(text):
            return {"type": "text", "text": text}


def _reasoning(effort: ReasoningEffort | None) -> dict[str, Any]:
    return {} if effort is None else {"reasoning_effort": _EFFORTS[effort]}
