"""Ollama's JSON, as far as it is used (Ollama `docs/api.md`, POST /api/chat and below)."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from adapters.engines.wire import TokenLogprob


class Function(Struct):
    """A call's function; the arguments are an object, kept as it came."""

    name: str
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class ToolCall(Struct, omit_defaults=True):
    """A call. Servers before 0.12.10 send no id; several number all calls 0."""

    function: Function
    id: str = ""


class LineMessage(Struct, gc=False):
    """What a line adds to the answer."""

    content: str | None = None
    thinking: str | None = None
    tool_calls: list[ToolCall] | None = None


class ChatLine(Struct, gc=False):
    """A line of a chat stream. Ollama leaves out zeros."""

    message: LineMessage | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int = 0
    prompt_eval_cached_count: int = 0
    eval_count: int = 0
    logprobs: list[TokenLogprob] | None = None
    error: str | None = None


class GenerateLine(ChatLine):
    """A line of a completion's stream (POST /api/generate): text in place of a message."""

    response: str | None = None


class ErrorBody(Struct):
    """Body of an answer with an error status."""

    error: str


class InnerError(Struct):
    """The inner engine's error."""

    message: str = ""
    type: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class InnerErrorBody(Struct):
    """The JSON text that Ollama relays as an error's text."""

    error: InnerError


class MessageBody(Struct, omit_defaults=True):
    """A message of a request."""

    role: str
    content: str | UnsetType = UNSET
    images: list[str] | UnsetType = UNSET
    thinking: str | UnsetType = UNSET
    tool_calls: list[ToolCall] | UnsetType = UNSET
    tool_name: str | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET


class ToolFunctionBody(Struct):
    """A function on offer."""

    name: str
    description: str
    parameters: dict[str, Any]


class ToolBody(Struct):
    """A tool on offer."""

    function: ToolFunctionBody
    type: str = "function"


class ChatBody(Struct, omit_defaults=True):
    """The request. What is not set is not sent, so that the model keeps its own values."""

    model: str
    messages: list[MessageBody]
    stream: bool | UnsetType = UNSET
    tools: list[ToolBody] | UnsetType = UNSET
    format: str | dict[str, Any] | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    think: bool | str | UnsetType = UNSET
    keep_alive: float | str | UnsetType = UNSET
    truncate: bool | UnsetType = UNSET
    shift: bool | UnsetType = UNSET
    logprobs: bool | UnsetType = UNSET
    top_logprobs: int | UnsetType = UNSET


class GenerateBody(Struct, omit_defaults=True):
    """The request for a completion. With ``raw`` no template touches the prompt."""

    model: str
    prompt: str
    stream: bool | UnsetType = UNSET
    suffix: str | UnsetType = UNSET
    raw: bool | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    keep_alive: float | str | UnsetType = UNSET
    truncate: bool | UnsetType = UNSET
    shift: bool | UnsetType = UNSET
    logprobs: bool | UnsetType = UNSET
    top_logprobs: int | UnsetType = UNSET


class EmbedBody(Struct, omit_defaults=True):
    """The request for vectors."""

    model: str
    input: tuple[str, ...]
    truncate: bool | UnsetType = UNSET
    dimensions: int | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET
    keep_alive: float | str | UnsetType = UNSET


class ModelBody(Struct):
    """A request about one model (POST /api/show, DELETE /api/delete)."""

    model: str


class ShowAnswer(Struct):
    """What a model is. ``capabilities`` is absent before 0.6.4: unknown, not none."""

    capabilities: list[str] | None = None
    model_info: dict[str, Any] | None = None


class TagDetails(Struct):
    """How a model was made."""

    parameter_size: str | None = None
    quantization_level: str | None = None


class Tag(Struct):
    """An entry of GET /api/tags."""

    name: str = ""
    model: str = ""
    modified_at: str = ""
    digest: str = ""
    details: TagDetails | None = None


class Tags(Struct):
    """GET /api/tags."""

    models: list[Tag] | None = None


class Running(Struct):
    """An entry of GET /api/ps."""

    name: str = ""
    model: str = ""
    context_length: int | None = None


class RunningModels(Struct):
    """GET /api/ps."""

    models: list[Running] | None = None


class Version(Struct):
    """GET /api/version."""

    version: str


class PullBody(Struct):
    """POST /api/pull."""

    model: str
    stream: bool = True


class PullLine(Struct):
    """A line of its answer; the last one says ``success`` or has an ``error``."""

    status: str = ""
    digest: str = ""
    total: int = 0
    completed: int = 0
    error: str = ""
