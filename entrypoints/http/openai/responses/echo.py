"""What a Response repeats of its request: everything that was applied, by OpenAI's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.sampling import JSONObjectFormat, JSONSchemaFormat, OutputFormat, TextFormat
from entrypoints.http.openai.responses import applied, wire
from entrypoints.http.openai.responses.tools import Namespace, Tool, Tools

if TYPE_CHECKING:
    from domain.chat import ChatRequest

_encode = msgspec.json.Encoder().encode


def of(body: wire.ResponsesRequest, chat: ChatRequest, offered: Tools) -> bytes:
    """Return the part of a Response that its request decides, as a JSON object."""
    sampling = chat.sampling
    return _encode(
        applied.Echo(
            instructions=body.instructions,
            max_output_tokens=body.max_output_tokens,
            max_tool_calls=body.max_tool_calls,
            metadata=body.metadata or {},
            parallel_tool_calls=body.parallel_tool_calls is not False,
            presence_penalty=sampling.presence_penalty or 0.0,
            frequency_penalty=sampling.frequency_penalty or 0.0,
            prompt_cache_key=body.prompt_cache_key,
            reasoning=_reasoning(body.reasoning),
            safety_identifier=body.safety_identifier,
            store=body.store is not False,
            temperature=1.0 if sampling.temperature is None else sampling.temperature,
            text=_text(body.text, chat.output),
            tool_choice=_choice(body.tool_choice),
            tools=[_offered(each) for each in offered.shown],
            top_logprobs=body.top_logprobs or 0,
            top_p=1.0 if sampling.top_p is None else sampling.top_p,
            truncation=body.truncation or "disabled",
            user=UNSET if body.user is None else body.user,
        )
    )


def _reasoning(given: wire.ReasoningOptions | None) -> applied.ReasoningEcho:
    if given is None:
        return applied.ReasoningEcho(None, None)
    return applied.ReasoningEcho(given.effort, given.summary or given.generate_summary)


def _text(given: wire.TextOptions | None, output: OutputFormat) -> applied.Text:
    text = applied.Text(_format(given, output))
    if given is not None and given.verbosity is not None:
        text.verbosity = given.verbosity
    return text


def _format(
    given: wire.TextOptions | None, output: OutputFormat
) -> applied.TextFormat | applied.JSONObjectFormat | applied.JSONSchemaFormat:
    match output:
        case TextFormat():
            return applied.TextFormat()
        case JSONObjectFormat():
            return applied.JSONObjectFormat()
        case JSONSchemaFormat(name, schema, strict):
            described = None if given is None else given.format
            description = None
            if isinstance(described, wire.JSONSchemaFormatOption):
                description = described.description
            return applied.JSONSchemaFormat(name, description, dict(schema), strict)


def _choice(given: str | wire.ToolChoiceObject | None) -> str | applied.ToolChoice:
    if given is None or isinstance(given, str):
        return given or "auto"
    if given.type != "allowed_tools":
        return applied.ToolChoice(given.type, given.name or UNSET)
    named = [applied.NamedTool(tool.type, tool.name or UNSET) for tool in given.tools or ()]
    return applied.ToolChoice(given.type, mode=given.mode or "auto", tools=named)


def _offered(
    given: Tool | Namespace,
) -> applied.FunctionTool | applied.CustomTool | applied.NamespaceTool:
    if isinstance(given, Namespace):
        inside = [_tool(tool) for tool in given.tools]
        return applied.NamespaceTool(given.name, given.description, inside)
    return _tool(given)


def _tool(given: Tool) -> applied.FunctionTool | applied.CustomTool:
    name, definition = given.name, given.definition
    if given.custom:
        return applied.CustomTool(name, applied.CustomFormat(), given.description or UNSET)
    return applied.FunctionTool(
        name, given.description, dict(definition.parameters), definition.strict
    )
