"""Domain requests to llama.cpp's bytes: its form of an OpenAI chat request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from adapters.llamacpp import parameters
from domain.errors import InvalidRequestError
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, TextFormat
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.chat import ChatRequest, EngineOptions
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest
    from domain.messages import Message
    from domain.sampling import OutputFormat, Sampling
    from domain.tools import ToolCall, ToolDefinition

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
        "stream": True,
        "stream_options": {"include_usage": True},
        # A word after every batch of the prompt: the moments at which reading it can be stopped.
        "return_progress": True,
        **_sampling(request.sampling),
        **_format(request.output),
        **_tools(request),
        **_logprobs(request.top_logprobs),
        **parameters.translate(request.engine.parameters),
    }


def completion(request: CompletionRequest) -> bytes:
    """Return what the engine is asked with to go on with a bare prompt.

    Raises:
        InvalidRequestError: the request asks for what this engine does not do.
    """
    _refuse_truncation(request.engine)
    if request.suffix is not None:
        message = "The embedded engine cannot fill in the middle; leave out 'suffix'."
        raise InvalidRequestError(message, code="unsupported_parameter", param="suffix")
    # llama.cpp gives none at all for a count of 0; the decoder drops the one too many.
    top = request.top_logprobs
    return _encode(
        {
            "prompt": request.prompt,
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
            **_sampling(request.sampling),
            **({} if top is None else {"logprobs": max(top, 1)}),
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
        "tool_calls": [_call(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
        "name": message.tool_name,
    }
    return {
        "role": message.role.value,
        "content": message.text,
        **{name: value for name, value in named.items() if value},
    }


def _call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _sampling(sampling: Sampling) -> dict[str, Any]:
    named = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": None if sampling.seed is None else parameters.seed(sampling.seed),
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
    # llama.cpp refuses a description of null.
    function = {
        "name": tool.name,
        "description": tool.description or "",
        "parameters": dict(tool.parameters),
    }
    return {"type": "function", "function": function}


def _logprobs(top: int | None) -> dict[str, Any]:
    # llama.cpp gives none at all for a count of 0; the decoder drops the one too many.
    return {} if top is None else {"logprobs": True, "top_logprobs": max(top, 1)}
