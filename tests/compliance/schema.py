"""What Open Responses (version 2026-04-24) requires of a response.

Written from section 5 of our reference of the wire format, its column [OR]. Keys that are not
here are allowed everywhere; a key with a default may be missing, but not be null.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

ItemStatus: TypeAlias = Literal["in_progress", "completed", "incomplete"]
Status: TypeAlias = Literal[
    "completed", "failed", "in_progress", "cancelled", "queued", "incomplete"
]


class UrlCitation(Struct, tag_field="type", tag="url_citation"):
    url: str
    title: str
    start_index: int
    end_index: int


class TopLogprob(Struct):
    token: str
    logprob: float
    bytes: list[int]


class Logprob(TopLogprob):
    top_logprobs: list[TopLogprob]


class InputText(Struct, tag_field="type", tag="input_text"):
    text: str


class OutputText(Struct, tag_field="type", tag="output_text"):
    text: str
    annotations: list[UrlCitation]
    logprobs: list[Logprob] | UnsetType = UNSET


class Refusal(Struct, tag_field="type", tag="refusal"):
    refusal: str


class SummaryText(Struct, tag_field="type", tag="summary_text"):
    text: str


class ReasoningText(Struct, tag_field="type", tag="reasoning_text"):
    text: str


MessagePart: TypeAlias = InputText | OutputText | Refusal
Part: TypeAlias = OutputText | Refusal | SummaryText | ReasoningText


class Message(Struct, tag_field="type", tag="message"):
    id: str
    status: ItemStatus
    role: Literal["user", "assistant", "system", "developer"]
    content: list[MessagePart]
    phase: Literal["commentary", "final_answer"] | UnsetType = UNSET


class FunctionCall(Struct, tag_field="type", tag="function_call"):
    id: str
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


class Reasoning(Struct, tag_field="type", tag="reasoning"):
    id: str
    summary: list[SummaryText]
    content: list[ReasoningText] | UnsetType = UNSET
    encrypted_content: str | UnsetType = UNSET


class Compaction(Struct, tag_field="type", tag="compaction"):
    id: str
    encrypted_content: str


Item: TypeAlias = Message | FunctionCall | Reasoning | Compaction


class FunctionTool(Struct, tag_field="type", tag="function"):
    name: str
    description: str | None
    parameters: dict[str, Any] | None
    strict: bool | None


class NamedFunction(Struct, tag_field="type", tag="function"):
    name: str


class TextFormat(Struct):
    type: Literal["text", "json_object", "json_schema"]


class Text(Struct):
    format: TextFormat
    verbosity: Literal["low", "medium", "high"] | UnsetType = UNSET


class ReasoningSettings(Struct):
    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None
    summary: Literal["concise", "detailed", "auto"] | None


class Error(Struct):
    code: str
    message: str


class IncompleteDetails(Struct):
    reason: Literal["max_output_tokens", "content_filter"]


class InputTokensDetails(Struct):
    cached_tokens: int


class OutputTokensDetails(Struct):
    reasoning_tokens: int


class Usage(Struct):
    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class ResponseResource(Struct):
    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Status
    background: bool
    error: Error | None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    model: str
    output: list[Item]
    parallel_tool_calls: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    safety_identifier: str | None
    presence_penalty: float
    frequency_penalty: float
    reasoning: ReasoningSettings | None
    service_tier: str
    store: bool
    temperature: float
    top_p: float
    text: Text
    tool_choice: Literal["none", "auto", "required"] | NamedFunction
    tools: list[FunctionTool]
    top_logprobs: int
    truncation: Literal["auto", "disabled"]
    usage: Usage | None
    metadata: dict[str, Any]


class CompactResource(Struct):
    id: str
    object: Literal["response.compaction"]
    created_at: int
    output: list[Item]
    usage: Usage


class SocketFault(Struct):
    code: str
    message: str


class SocketError(Struct, tag_field="type", tag="error"):
    """What a turn on a WebSocket is refused with."""

    status: int
    error: SocketFault


def check_response(value: object) -> ResponseResource:
    """Return the response that ``value`` is.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(value, ResponseResource)


def check_message(value: object) -> Message:
    """Return the message that ``value`` is.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(value, Message)


def check_compact(value: object) -> CompactResource:
    """Return the compaction that ``value`` is.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(value, CompactResource)


def check_refusal(value: object) -> SocketError:
    """Return the error on a WebSocket that ``value`` is.

    Raises:
        msgspec.ValidationError: it is none.
    """
    return msgspec.convert(value, SocketError)
