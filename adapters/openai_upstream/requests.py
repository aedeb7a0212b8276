"""Domain requests to OpenAI's bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from adapters.openai_upstream import parameters
from domain.errors import InvalidRequestError
from domain.messages import ImagePart, TextPart
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, ReasoningEffort, TextFormat
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest
    from domain.messages import Message
    from domain.sampling import OutputFormat, Sampling
    from domain.tools import ToolCall, ToolDefinition

_encode = msgspec.json.Encoder().encode

_STREAMED = {"stream": True, "stream_options": {"include_usage": True}}

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
            **_STREAMED,
            **_sampling(request.sampling),
            **_format(request.output),
            **_tools(request),
            **_logprobs(request.top_logprobs),
            **_reasoning(request.reasoning),
            **parameters.translate(request.engine),
        }
    )


def completion(request: CompletionRequest, model: str) -> bytes:
    """Return the body of POST /v1/completions.

    Raises:
        InvalidRequestError: the request asks for what OpenAI's API cannot say, or for text before
            a suffix: engines refuse it, or pass over it without a word.
    """
    if request.suffix is not None:
        message = "This model server cannot fill in the middle; leave out 'suffix'."
        raise InvalidRequestError(message, code="unsupported_parameter", param="suffix")
    # Some engines give none at all for a count of 0; the decoder drops the one too many.
    top = request.top_logprobs
    return _encode(
        {
            "model": model,
            "prompt": request.prompt,
            **_STREAMED,
            **_sampling(request.sampling),
            **({} if top is None else {"logprobs": max(top, 1)}),
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
        "tool_calls": [_call(call) for call in message.tool_calls],
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


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _sampling(sampling: Sampling) -> dict[str, Any]:
    named = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": sampling.seed,
        # The name that all engines know; OpenAI's newer one is not among them everywhere.
        "max_tokens": sampling.max_tokens,
        "stop": list(sampling.stop) or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _format(output: OutputFormat) -> dict[str, Any]:
    match output:
        case TextFormat():
            return {}
        case JSONObjectFormat():
            return {"response_format": {"type": "json_object"}}
        case JSONSchemaFormat(name, schema):
            # Engines constrain either way; "strict" would have some judge the schema's style.
            inner = {"name": name, "schema": dict(schema)}
            return {"response_format": {"type": "json_schema", "json_schema": inner}}


def _tools(request: ChatRequest) -> dict[str, Any]:
    if not request.tools or request.tool_choice is ToolChoice.NONE:
        return {}
    return {
        "tools": [_tool(tool) for tool in request.tools],
        "tool_choice": request.tool_choice.value,
        "parallel_tool_calls": request.parallel_tool_calls,
    }


def _tool(tool: ToolDefinition) -> dict[str, Any]:
    described = {} if tool.description is None else {"description": tool.description}
    function = {"name": tool.name, **described, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _logprobs(top: int | None) -> dict[str, Any]:
    # Some engines give none at all for a count of 0; the decoder drops the one too many.
    return {} if top is None else {"logprobs": True, "top_logprobs": max(top, 1)}


def _reasoning(effort: ReasoningEffort | None) -> dict[str, Any]:
    return {} if effort is None else {"reasoning_effort": _EFFORTS[effort]}
