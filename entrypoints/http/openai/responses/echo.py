"""What a Response repeats of its request: everything that was applied, by OpenAI's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.sampling import JSONObjectFormat, JSONSchemaFormat, OutputFormat, TextFormat
from entrypoints.http.openai.responses import answer, wire

if TYPE_CHECKING:
    from domain.chat import ChatRequest
    from domain.tools import ToolDefinition
    from entrypoints.http.openai.responses.tools import Tools

_encode = msgspec.json.Encoder().encode


def of(body: wire.ResponsesRequest, chat: ChatRequest, offered: Tools) -> bytes:
    """Return the part of a Response that its request decides, as a JSON object."""
    sampling = chat.sampling
    return _encode(
        answer.Echo(
            instructions=body.instructions,
            max_output_tokens=body.max_output_tokens,
            max_tool_calls=body.max_tool_calls,
            metadata=body.metadata or {},
            parallel_tool_calls=body.parallel_tool_calls is not False,
            presence_penalty=sampling.presence_penalty or 0,
            frequency_penalty=sampling.frequency_penalty or 0,
            prompt_cache_key=body.prompt_cache_key,
            reasoning=_reasoning(body.reasoning),
            safety_identifier=body.safety_identifier,
            store=body.store is not False,
            temperature=1 if sampling.temperature is None else sampling.temperature,
            text=_text(body.text, chat.output),
            tool_choice=_choice(body.tool_choice),
            tools=[_tool(tool, definition) for tool, definition in offered.shown],
            top_logprobs=body.top_logprobs or 0,
            top_p=1 if sampling.top_p is None else sampling.top_p,
            truncation=body.truncation or "disabled",
            user=body.user,
        )
    )


def _reasoning(given: wire.Reasoning | None) -> answer.ReasoningEcho:
    if given is None:
        return answer.ReasoningEcho(None, None)
    return answer.ReasoningEcho(given.effort, given.summary or given.generate_summary)


def _text(given: wire.Text | None, output: OutputFormat) -> answer.Text:
    text = answer.Text(_format(given, output))
    if given is not None and given.verbosity is not None:
        text.verbosity = given.verbosity
    return text


def _format(
    given: wire.Text | None, output: OutputFormat
) -> answer.TextFormat | answer.JSONObjectFormat | answer.JSONSchemaFormat:
    match output:
        case TextFormat():
            return answer.TextFormat()
        case JSONObjectFormat():
            return answer.JSONObjectFormat()
        case JSONSchemaFormat(name, schema, strict):
            described = None if given is None else given.format
            description = None
            if isinstance(described, wire.JSONSchemaFormat):
                description = described.description
            return answer.JSONSchemaFormat(name, description, dict(schema), strict)


def _choice(given: str | wire.ToolChoice | None) -> str | answer.ToolChoice:
    if given is None or isinstance(given, str):
        return given or "auto"
    if given.type != "allowed_tools":
        return answer.ToolChoice(given.type, given.name or UNSET)
    named = [answer.NamedTool(tool.type, tool.name or UNSET) for tool in given.tools or ()]
    return answer.ToolChoice(given.type, mode=given.mode or "auto", tools=named)


def _tool(tool: wire.Tool, definition: ToolDefinition) -> answer.FunctionTool | answer.CustomTool:
    if tool.type == "custom":
        return answer.CustomTool(definition.name, definition.description, answer.CustomFormat())
    return answer.FunctionTool(
        definition.name, definition.description, dict(definition.parameters), definition.strict
    )
