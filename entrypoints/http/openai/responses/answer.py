"""The JSON of a response (OpenAI's OpenAPI document, Response and ItemResource)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType


class TopLogprob(Struct):
    """A likely token. Its bytes are a list here, never null."""

    token: str
    logprob: float
    bytes: list[int]


class Logprob(TopLogprob):
    """A drawn token."""

    top_logprobs: list[TopLogprob]


class InputText(Struct, tag_field="type", tag="input_text"):
    """Text that someone sent."""

    text: str


class InputImage(Struct, tag_field="type", tag="input_image"):
    """An image that someone sent."""

    image_url: str
    detail: str
    file_id: None = None


class OutputText(Struct, tag_field="type", tag="output_text"):
    """Text that the model wrote."""

    text: str
    annotations: list[Any] = msgspec.field(default_factory=list[Any])
    logprobs: list[Logprob] = msgspec.field(default_factory=list[Logprob])


class Refusal(Struct, tag_field="type", tag="refusal"):
    """A refusal."""

    refusal: str


class SummaryText(Struct, tag_field="type", tag="summary_text"):
    """Thoughts, for show."""

    text: str


class ReasoningText(Struct, tag_field="type", tag="reasoning_text"):
    """Thoughts as they were."""

    text: str


Part = InputText | InputImage | OutputText | Refusal


class Message(Struct, tag_field="type", tag="message"):
    """What someone says."""

    id: str
    status: str
    role: str
    content: list[Part]
    phase: str | UnsetType = UNSET


class FunctionCall(Struct, tag_field="type", tag="function_call"):
    """A call."""

    id: str
    status: str
    call_id: str
    name: str
    arguments: str
    namespace: str | UnsetType = UNSET


class FunctionCallOutput(Struct, tag_field="type", tag="function_call_output"):
    """What a call returned."""

    id: str
    status: str
    call_id: str
    output: str | list[Part]


class CustomToolCall(Struct, tag_field="type", tag="custom_tool_call"):
    """A call of a custom tool."""

    id: str
    status: str
    call_id: str
    name: str
    input: str
    namespace: str | UnsetType = UNSET


class CustomToolCallOutput(Struct, tag_field="type", tag="custom_tool_call_output"):
    """What a custom tool returned."""

    id: str
    status: str
    call_id: str
    output: str | list[Part]


class Reasoning(Struct, tag_field="type", tag="reasoning"):
    """What the model thought."""

    id: str
    status: str
    summary: list[SummaryText]
    content: list[ReasoningText] | UnsetType = UNSET
    encrypted_content: str | UnsetType = UNSET


class Compaction(Struct, tag_field="type", tag="compaction"):
    """What stands for items that are left out."""

    id: str
    encrypted_content: str


Item = (
    Message
    | FunctionCall
    | FunctionCallOutput
    | CustomToolCall
    | CustomToolCallOutput
    | Reasoning
    | Compaction
)


class InputTokensDetails(Struct):
    """Where the input's tokens came from."""

    cached_tokens: int
    cache_write_tokens: int = 0


class OutputTokensDetails(Struct):
    """What the output's tokens were."""

    reasoning_tokens: int


class Usage(Struct):
    """Tokens."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class Error(Struct):
    """Why a response failed; ``type`` is for Vercel's client, which wants one."""

    code: str
    message: str
    type: str


class IncompleteDetails(Struct):
    """Why an answer is incomplete."""

    reason: str


class ConversationReference(Struct):
    """A conversation by its id."""

    id: str


class Head(Struct, kw_only=True):
    """The part of a Response that comes about."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    completed_at: int | None
    status: str
    background: bool
    error: Error | None
    incomplete_details: IncompleteDetails | None
    model: str
    output: list[Item]
    previous_response_id: str | None
    conversation: ConversationReference | UnsetType
    usage: Usage | None


class SimpleOutput(Struct):
    """What the model says."""

    role: Literal["assistant"]
    content: str


class SimpleResponse(Struct):
    """An answer in the simple shape."""

    model: str
    output: SimpleOutput


class Deleted(Struct):
    """A response that is no more."""

    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


class ItemList(Struct):
    """A page of items. Empty, its ids are empty: clients know no null here."""

    data: list[Item]
    first_id: str
    last_id: str
    has_more: bool
    object: Literal["list"] = "list"


class InputTokens(Struct):
    """How many tokens an input is."""

    input_tokens: int
    object: Literal["response.input_tokens"] = "response.input_tokens"


class Compacted(Struct):
    """A context in one item."""

    id: str
    created_at: int
    output: list[Item]
    usage: Usage
    object: Literal["response.compaction"] = "response.compaction"
