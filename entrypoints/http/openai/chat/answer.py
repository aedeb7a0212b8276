"""The JSON that Chat Completions answers with (OpenAI's OpenAPI document)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType


class Logprob(Struct):
    """A likely token."""

    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(Logprob):
    """A drawn token."""

    top_logprobs: list[Logprob]


class ChoiceLogprobs(Struct):
    """Log probabilities of a choice."""

    content: list[TokenLogprob]
    refusal: None = None


class CallFunction(Struct):
    """What was called."""

    name: str
    arguments: str


class ToolCall(Struct, kw_only=True):
    """A call."""

    id: str
    type: Literal["function"] = "function"
    function: CallFunction


class AnswerMessage(Struct, kw_only=True):
    """An answer. Reasoning goes by both names that clients read (DeepSeek's and Ollama's)."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    annotations: list[Any] = msgspec.field(default_factory=list[Any])
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET
    function_call: CallFunction | UnsetType = UNSET


class Choice(Struct):
    """One answer of several."""

    index: int
    message: AnswerMessage
    logprobs: ChoiceLogprobs | None
    finish_reason: str


class PromptTokensDetails(Struct):
    """Where the prompt's tokens came from."""

    cached_tokens: int
    audio_tokens: int = 0


class CompletionTokensDetails(Struct):
    """What the completion's tokens were."""

    reasoning_tokens: int
    audio_tokens: int = 0
    accepted_prediction_tokens: int = 0
    rejected_prediction_tokens: int = 0


class Usage(Struct):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails


class ChatCompletion(Struct, kw_only=True):
    """The whole answer."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    service_tier: Literal["default"] = "default"
    system_fingerprint: str
    metadata: dict[str, str] | UnsetType = UNSET


class DeltaFunction(Struct, omit_defaults=True):
    """More of a call's function."""

    name: str | UnsetType = UNSET
    arguments: str | UnsetType = UNSET


class DeltaToolCall(Struct):
    """More of a call; id, type and name come once, for clients join what comes twice."""

    index: int
    function: DeltaFunction
    id: str | UnsetType = UNSET
    type: Literal["function"] | UnsetType = UNSET


class Delta(Struct, omit_defaults=True):
    """What a chunk adds."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType | None = UNSET
    refusal: UnsetType | None = UNSET
    reasoning_content: str | UnsetType = UNSET
    reasoning: str | UnsetType = UNSET
    tool_calls: list[DeltaToolCall] | UnsetType = UNSET
    function_call: DeltaFunction | UnsetType = UNSET


class ChunkChoice(Struct):
    """What a chunk adds to one choice."""

    index: int
    delta: Delta
    logprobs: ChoiceLogprobs | None = None
    finish_reason: str | None = None


class ChatCompletionChunk(Struct, kw_only=True):
    """One record of a stream."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    service_tier: Literal["default"] = "default"
    system_fingerprint: str
    choices: list[ChunkChoice]
    usage: Usage | UnsetType | None = UNSET
