"""The JSON of what a response repeats of its request, as it was applied."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class FunctionTool(Struct, tag_field="type", tag="function"):
    """A function on offer, as it is used."""

    name: str
    description: str | None
    parameters: dict[str, Any]
    strict: bool


class CustomFormat(Struct, tag_field="type", tag="text"):
    """Any text."""


class CustomTool(Struct, tag_field="type", tag="custom"):
    """A custom tool on offer."""

    name: str
    format: CustomFormat
    description: str | UnsetType = UNSET


class NamespaceTool(Struct, tag_field="type", tag="namespace"):
    """Tools on offer under one name."""

    name: str
    description: str | None
    tools: list[FunctionTool | CustomTool]


class NamedTool(Struct, omit_defaults=True):
    """A tool that may be called."""

    type: str
    name: str | UnsetType = UNSET


class ToolChoice(Struct, omit_defaults=True):
    """A tool that must be called, or the tools that may."""

    type: str
    name: str | UnsetType = UNSET
    mode: str | UnsetType = UNSET
    tools: list[NamedTool] | UnsetType = UNSET


class TextFormat(Struct, tag_field="type", tag="text"):
    """Free text."""


class JSONObjectFormat(Struct, tag_field="type", tag="json_object"):
    """A JSON object."""


class JSONSchemaFormat(Struct, tag_field="type", tag="json_schema"):
    """JSON that satisfies a schema."""

    name: str
    description: str | None
    schema: dict[str, Any]
    strict: bool


class Text(Struct):
    """The form of the answer."""

    format: TextFormat | JSONObjectFormat | JSONSchemaFormat
    verbosity: str | UnsetType = UNSET


class ReasoningEcho(Struct):
    """How the model was to think."""

    effort: str | None
    summary: str | None


class Echo(Struct, kw_only=True):
    """The part of a Response that the request decides."""

    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    metadata: dict[str, str]
    parallel_tool_calls: bool
    presence_penalty: float
    frequency_penalty: float
    prompt_cache_key: str | None
    reasoning: ReasoningEcho
    safety_identifier: str | None
    service_tier: Literal["default"] = "default"
    store: bool
    temperature: float
    text: Text
    tool_choice: str | ToolChoice
    tools: list[FunctionTool | CustomTool | NamespaceTool]
    top_logprobs: int
    top_p: float
    truncation: str
    # The published schema knows no null here.
    user: str | UnsetType = UNSET
