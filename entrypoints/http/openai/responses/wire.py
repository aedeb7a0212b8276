"""The JSON of a request to Responses (OpenAI's OpenAPI document, CreateResponse).

Items, parts and tools are one struct each that has the fields of every kind: clients leave out
the `type` that would tell kinds apart, and kinds that we do not run must be read, too, in order
to be refused by their name or passed over. `parse.py` and `items.py` look at the kind.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from entrypoints.http.openai.fields import (
    CacheRetention,
    Effort,
    Fraction,
    ImageDetail,
    ImageURL,
    Metadata,
    Name,
    Penalty,
    ShortText,
    Temperature,
    TopLogprobs,
    Verbosity,
)

Id = Annotated[str, Meta(min_length=1, max_length=128)]
CallId = Annotated[str, Meta(min_length=1, max_length=64)]
ServiceTier = Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]
Summary = Literal["auto", "concise", "detailed"]
Include = Literal[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
]
Unread = msgspec.Raw | UnsetType


class InputPart(Struct, forbid_unknown_fields=True):
    """A part of what someone says, or of a tool's output."""

    type: str
    text: str | None = None
    refusal: str | None = None
    # The object is the form of Chat Completions, which clients mix up with ours.
    image_url: str | ImageURL | None = None
    file_id: str | None = None
    detail: ImageDetail | None = None
    filename: str | None = None
    file_data: Unread = UNSET
    file_url: Unread = UNSET
    input_audio: Unread = UNSET
    annotations: Unread = UNSET
    logprobs: Unread = UNSET
    prompt_cache_breakpoint: Unread = UNSET


class HostedOutput(Struct):
    """The output of a hosted tool, whatever it holds."""


class InputItem(Struct, forbid_unknown_fields=True):
    """An item of the input."""

    type: str | None = None
    id: Id | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[InputPart] | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None
    phase: Literal["commentary", "final_answer"] | None = None
    call_id: CallId | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[InputPart] | HostedOutput | None = None
    summary: list[InputPart] | None = None
    encrypted_content: str | None = None
    namespace: str | None = None
    caller: Unread = UNSET
    created_by: Unread = UNSET
    # Of hosted tools' items.
    action: Unread = UNSET
    actions: Unread = UNSET
    queries: Unread = UNSET
    results: Unread = UNSET
    code: Unread = UNSET
    container_id: Unread = UNSET
    outputs: Unread = UNSET
    result: Unread = UNSET
    server_label: Unread = UNSET
    tools: Unread = UNSET
    error: Unread = UNSET
    approve: Unread = UNSET
    approval_request_id: Unread = UNSET
    pending_safety_checks: Unread = UNSET
    acknowledged_safety_checks: Unread = UNSET


class Grammar(Struct, forbid_unknown_fields=True):
    """What a custom tool's input may be."""

    type: Literal["text", "grammar"]
    syntax: Literal["lark", "regex"] | None = None
    definition: str | None = None


class OfferedTool(Struct, forbid_unknown_fields=True):
    """A tool."""

    type: str
    name: Name | None = None
    description: str | None = None
    parameters: Unread = UNSET
    strict: bool | None = None
    format: Grammar | None = None
    output_schema: Unread = UNSET
    defer_loading: bool | None = None
    allowed_callers: Unread = UNSET
    # A function in the form of Chat Completions.
    function: Unread = UNSET
    # Of hosted tools.
    filters: Unread = UNSET
    user_location: Unread = UNSET
    search_context_size: Unread = UNSET
    external_web_access: Unread = UNSET
    vector_store_ids: Unread = UNSET
    max_num_results: Unread = UNSET
    ranking_options: Unread = UNSET
    container: Unread = UNSET
    server_label: Unread = UNSET
    server_url: Unread = UNSET
    server_description: Unread = UNSET
    connector_id: Unread = UNSET
    authorization: Unread = UNSET
    headers: Unread = UNSET
    allowed_tools: Unread = UNSET
    require_approval: Unread = UNSET
    environment: Unread = UNSET
    display_width: Unread = UNSET
    display_height: Unread = UNSET
    output_format: Unread = UNSET
    execution: Unread = UNSET
    search_content_types: Unread = UNSET
    # Of a namespace.
    tools: Annotated[list[OfferedTool], Meta(max_length=128)] | None = None


class AllowedTool(Struct, forbid_unknown_fields=True):
    """A tool among those that are allowed."""

    type: str
    name: str | None = None
    server_label: str | None = None


class ToolChoiceObject(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A tool that must be called, or the tools that may."""

    type: str
    name: str | None = None
    mode: Literal["none", "auto", "required"] | None = None
    tools: Annotated[list[AllowedTool], Meta(min_length=1, max_length=128)] | None = None
    server_label: str | None = None


class TextFormatOption(Struct, tag_field="type", tag="text", forbid_unknown_fields=True):
    """Free text."""


class JSONObjectFormatOption(
    Struct, tag_field="type", tag="json_object", forbid_unknown_fields=True
):
    """A JSON object."""


class JSONSchemaFormatOption(
    Struct, tag_field="type", tag="json_schema", forbid_unknown_fields=True
):
    """JSON that satisfies a schema."""

    name: Name
    schema: msgspec.Raw
    description: str | None = None
    strict: bool | None = None


class TextOptions(Struct, forbid_unknown_fields=True):
    """The form of the answer."""

    format: TextFormatOption | JSONObjectFormatOption | JSONSchemaFormatOption | None = None
    verbosity: Verbosity | None = None


class ReasoningOptions(Struct, forbid_unknown_fields=True):
    """How the model thinks, and what is shown of it."""

    effort: Effort | None = None
    summary: Summary | None = None
    generate_summary: Summary | None = None
    mode: str | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None


class StreamOptions(Struct, forbid_unknown_fields=True):
    """What a stream brings beside the answer."""

    include_obfuscation: bool | None = None


class ConversationOption(Struct, forbid_unknown_fields=True):
    """A conversation by its id."""

    id: Id


class ResponsesRequest(Struct, forbid_unknown_fields=True):
    """The body of POST /v1/responses."""

    input: str | list[InputItem] | None = None
    model: str | None = None
    instructions: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: Id | None = None
    conversation: Id | ConversationOption | None = None
    include: list[Include] | None = None
    temperature: Temperature | None = None
    top_p: Fraction | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    max_tool_calls: Annotated[int, Meta(ge=1)] | None = None
    top_logprobs: TopLogprobs | None = None
    tools: Annotated[list[OfferedTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoiceObject | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    truncation: Literal["auto", "disabled"] | None = None
    metadata: Metadata | None = None
    user: str | None = None
    safety_identifier: ShortText | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: CacheRetention | None = None
    prompt_cache_options: Unread = UNSET
    client_metadata: Unread = UNSET
    service_tier: ServiceTier | None = None
    prompt: Unread = UNSET
    moderation: Unread = UNSET
    context_management: Unread = UNSET


class InputTokensRequest(Struct, forbid_unknown_fields=True):
    """The body of POST /v1/responses/input_tokens."""

    input: str | list[InputItem] | None = None
    model: str | None = None
    instructions: str | None = None
    previous_response_id: Id | None = None
    conversation: Id | ConversationOption | None = None
    tools: Annotated[list[OfferedTool], Meta(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoiceObject | None = None
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    truncation: Literal["auto", "disabled"] | None = None
    personality: ShortText | None = None


class CompactRequest(Struct, forbid_unknown_fields=True):
    """The body of POST /v1/responses/compact."""

    model: str
    input: str | list[InputItem] | None = None
    instructions: str | None = None
    previous_response_id: Id | None = None
    prompt_cache_key: ShortText | None = None
    prompt_cache_retention: CacheRetention | None = None
    prompt_cache_options: Unread = UNSET
    service_tier: ServiceTier | None = None
    reasoning: ReasoningOptions | None = None
    # Older Codex sends what it sends with a turn.
    client_metadata: Unread = UNSET
    tools: Unread = UNSET
    parallel_tool_calls: Unread = UNSET
    text: Unread = UNSET
