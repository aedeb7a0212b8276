"""A request for one answer, and the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from domain.messages import Message
from domain.sampling import TEXT, OutputFormat, ReasoningEffort, Sampling, Verbosity
from domain.tools import JSONObject, ToolCall, ToolChoice, ToolDefinition


class FinishReason(StrEnum):
    """Why generation ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer; ``cached`` is part of the prompt, ``reasoning`` of the completion."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class TopLogprob:
    """A token that might have been drawn; ``utf8`` are its bytes where it is text."""

    token: str
    logprob: float
    utf8: bytes | None


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A drawn token, its log probability, and the likeliest tokens in its place."""

    token: str
    logprob: float
    utf8: bytes | None
    top: tuple[TopLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What a request asks of the model server beside the answer.

    Attributes:
        parameters: the server's own parameters by their own names (``num_ctx``, ``top_k``).
        keep_alive: how long the model stays loaded: seconds, or a duration such as ``5m``.
        truncate: whether a prompt over the context may be cut; else it is refused.
    """

    parameters: JSONObject = field(default_factory=dict[str, object])
    keep_alive: float | str | None = None
    truncate: bool = False


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request for one answer.

    Attributes:
        tools: the tools on offer; already narrowed to those that the caller allows.
        parallel_tool_calls: whether one answer may hold more than one call.
        reasoning: None leaves thinking to the model.
        top_logprobs: None for no log probabilities, else the count of alternatives (0 to 20).
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    output: OutputFormat = TEXT
    tools: tuple[ToolDefinition, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    parallel_tool_calls: bool = True
    reasoning: ReasoningEffort | None = None
    verbosity: Verbosity | None = None
    top_logprobs: int | None = None
    engine: EngineOptions = EngineOptions()


@dataclass(frozen=True, slots=True)
class ChatResult:
    """A complete answer."""

    content: str
    finish_reason: FinishReason
    usage: Usage
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
