"""Domain requests to Ollama's bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from adapters.ollama import schema, wire
from domain.json_schema import inline_references
from domain.sampling import (
    JSONObjectFormat,
    JSONSchemaFormat,
    OutputFormat,
    ReasoningEffort,
    Sampling,
    TextFormat,
)
from domain.tools import ToolCall, ToolChoice, ToolDefinition

if TYPE_CHECKING:
    from domain.chat import ChatRequest, EngineOptions
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest
    from domain.messages import Message

_encode = msgspec.json.Encoder().encode

# Ollama reads whole numbers as floats, exact up to 2^53; its engine takes 32 bits of a seed, of
# which the highest value asks for one by chance.
_SEEDS = 2**32 - 1

_THINK: Mapping[ReasoningEffort, bool | str] = {
    ReasoningEffort.NONE: False,
    ReasoningEffort.MINIMAL: "low",
    ReasoningEffort.LOW: "low",
    ReasoningEffort.MEDIUM: "medium",
    ReasoningEffort.HIGH: "high",
    ReasoningEffort.XHIGH: "max",
    ReasoningEffort.MAX: "max",
    ReasoningEffort.ON: True,
}


@dataclass(frozen=True, slots=True)
class ContextWindows:
    """The context length to ask for where a request names none; None leaves it to Ollama.

    The same value on every request matters as much as the value: Ollama reloads a model when
    the asked length differs from the loaded one.
    """

    default: int | None = None
    by_model: Mapping[str, int] = field(default_factory=dict[str, int])

    def of(self, model: str) -> int | None:
        """Return the length for ``model``; a name without a tag stands for its ``latest``."""
        bare = model.removesuffix(":latest")
        return self.by_model.get(bare, self.by_model.get(f"{bare}:latest", self.default))


def chat(request: ChatRequest, windows: ContextWindows) -> bytes:
    """Return the body of POST /api/chat.

    Only what the request sets is sent: any value overrides the one that the model's author
    tuned. ``truncate`` and ``shift`` are the exceptions: by default a prompt is cut without a
    word, before the answer and in its course, when the model forgets what was asked.
    """
    offered = request.tools if request.tool_choice is not ToolChoice.NONE else ()
    body = wire.ChatBody(
        model=request.model,
        messages=[_message(message) for message in request.messages],
        stream=True,
        tools=[_tool(tool, len(offered)) for tool in offered] or UNSET,
        format=_format(request.output),
        options=_options(request.model, request.sampling, request.engine, windows) or UNSET,
        think=UNSET if request.reasoning is None else _THINK[request.reasoning],
        keep_alive=UNSET if request.engine.keep_alive is None else request.engine.keep_alive,
        truncate=request.engine.truncate,
        shift=request.engine.truncate,
        logprobs=UNSET if request.top_logprobs is None else True,
        top_logprobs=request.top_logprobs or UNSET,
    )
    return _encode(body)


def generate(request: CompletionRequest, windows: ContextWindows) -> bytes:
    """Return the body of POST /api/generate; only a suffix needs the model's template."""
    body = wire.GenerateBody(
        model=request.model,
        prompt=request.prompt,
        stream=True,
        suffix=UNSET if request.suffix is None else request.suffix,
        raw=True if request.suffix is None else UNSET,
        options=_options(request.model, request.sampling, request.engine, windows) or UNSET,
        keep_alive=UNSET if request.engine.keep_alive is None else request.engine.keep_alive,
        truncate=request.engine.truncate,
        shift=request.engine.truncate,
        logprobs=UNSET if request.top_logprobs is None else True,
        top_logprobs=request.top_logprobs or UNSET,
    )
    return _encode(body)


def embed(request: EmbedRequest, windows: ContextWindows) -> bytes:
    """Return the body of POST /api/embed."""
    body = wire.EmbedBody(
        model=request.model,
        input=request.texts,
        truncate=request.engine.truncate,
        dimensions=UNSET if request.dimensions is None else request.dimensions,
        options=_options(request.model, Sampling(), request.engine, windows) or UNSET,
        keep_alive=UNSET if request.engine.keep_alive is None else request.engine.keep_alive,
    )
    return _encode(body)


def model(name: str) -> bytes:
    """Return the body of requests about one model: POST /api/show, DELETE /api/delete."""
    return _encode(wire.ModelBody(name))


def pull(name: str) -> bytes:
    """Return the body of POST /api/pull."""
    return _encode(wire.PullBody(name))


def _message(message: Message) -> wire.MessageBody:
    return wire.MessageBody(
        role=message.role.value,
        content=message.text,
        images=[image.base64 for image in message.images] or UNSET,
        thinking=message.reasoning or UNSET,
        tool_calls=[_call(call) for call in message.tool_calls] or UNSET,
        tool_name=message.tool_name or UNSET,
        tool_call_id=message.tool_call_id or UNSET,
    )


def _call(call: ToolCall) -> wire.ToolCall:
    # Natively the arguments are an object; the domain guarantees that the text holds one.
    arguments = msgspec.Raw(call.arguments.encode() or b"{}")
    return wire.ToolCall(wire.Function(call.name, arguments), call.id)


def _tool(tool: ToolDefinition, among: int) -> wire.ToolBody:
    parameters = schema.for_tool(tool.parameters, among=among)
    return wire.ToolBody(wire.ToolFunctionBody(tool.name, tool.description or "", parameters))


def _format(output: OutputFormat) -> str | dict[str, Any] | UnsetType:
    match output:
        case TextFormat():
            return UNSET
        case JSONObjectFormat():
            return "json"
        case JSONSchemaFormat(_, wanted):
            return inline_references(wanted)


def _options(
    name: str, sampling: Sampling, engine: EngineOptions, windows: ContextWindows
) -> dict[str, Any]:
    options = _sampling(sampling)
    window = windows.of(name)
    if window is not None:
        options["num_ctx"] = window
    options |= engine.parameters
    return options


def _sampling(sampling: Sampling) -> dict[str, Any]:
    named = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "frequency_penalty": sampling.frequency_penalty,
        "presence_penalty": sampling.presence_penalty,
        "seed": None if sampling.seed is None else sampling.seed % _SEEDS,
        "num_predict": sampling.max_tokens,
        "stop": list(sampling.stop) or None,
    }
    return {name: value for name, value in named.items() if value is not None}
