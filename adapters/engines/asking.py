"""The fields of OpenAI's requests, as engines take them; only what is set is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.json_schema import inline_references
from domain.sampling import JSONObjectFormat, JSONSchemaFormat, TextFormat
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.sampling import OutputFormat, Sampling
    from domain.tools import ToolCall, ToolDefinition

_STREAMED = {"stream": True, "stream_options": {"include_usage": True}}


def chat(request: ChatRequest) -> dict[str, Any]:
    """Return what does not depend on the engine: all but the model, the messages and options."""
    top = request.top_logprobs
    return {
        **_STREAMED,
        **_sampling(request.sampling),
        **_format(request.output),
        **_tools(request),
        **({} if top is None else {"logprobs": True, "top_logprobs": _alternatives(top)}),
    }


def completion(request: CompletionRequest) -> dict[str, Any]:
    """Return the same for a bare prompt; all but the model, a suffix and options."""
    top = request.top_logprobs
    return {
        "prompt": request.prompt,
        **_STREAMED,
        **_sampling(request.sampling),
        **({} if top is None else {"logprobs": _alternatives(top)}),
    }


def call(made: ToolCall) -> dict[str, Any]:
    """Return a call of a message that an assistant wrote."""
    function = {"name": made.name, "arguments": made.arguments or "{}"}
    return {"id": made.id, "type": "function", "function": function}


def _sampling(wanted: Sampling) -> dict[str, Any]:
    named = {
        "temperature": wanted.temperature,
        "top_p": wanted.top_p,
        "frequency_penalty": wanted.frequency_penalty,
        "presence_penalty": wanted.presence_penalty,
        "seed": wanted.seed,
        # The name that all engines know; OpenAI's newer one is not among them everywhere.
        "max_tokens": wanted.max_tokens,
        "stop": list(wanted.stop) or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _alternatives(top: int) -> int:
    # Some engines give no probabilities at all for a count of 0; decoders drop the one too many.
    return max(top, 1)


def _format(output: OutputFormat) -> dict[str, Any]:
    match output:
        case TextFormat():
            return {}
        case JSONObjectFormat():
            return {"response_format": {"type": "json_object"}}
        case JSONSchemaFormat(name, schema):
            # Engines constrain either way; "strict" would have some judge the schema's style.
            # And few resolve all kinds of references.
            inner = {"name": name, "schema": inline_references(schema)}
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
    described = {} if tool.description is None else {"description": tool.description}
    function = {"name": tool.name, **described, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}
