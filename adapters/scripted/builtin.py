"""Models that need no script: what they do is in their names."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from adapters.scripted import errors, vectors, writing
from adapters.scripted.answer import Answer, Pace, steps
from adapters.scripted.filling import fill, fits
from adapters.scripted.steps import NEVER_S
from domain.messages import Role
from domain.models import Capability, ModelDetails, ModelSummary
from domain.sampling import ReasoningEffort
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from adapters.scripted.steps import Steps
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.tools import ToolDefinition

ECHO = "scripted-echo"
_THOUGHT = "Let me think about that."
_SLOWLY = Pace(1.0, 0.1)
_NEVER = Pace(NEVER_S)
_CREATED = 1_735_689_600  # the first second of 2025
_CONTEXT = 131_072
_BEFORE_FAILURE = 2

_BY_STATUS: Mapping[str, str] = {
    "400": "invalid_request",
    "401": "authentication",
    "403": "permission",
    "404": "not_found",
    "409": "conflict",
    "429": "overloaded",
    "502": "upstream",
    "503": "unavailable",
    "504": "timeout",
}


def echo(request: ChatRequest, *, calls: bool = False) -> Answer:
    """Return what the user said last, or what a tool answered."""
    answered = _answered(request)
    text = request.messages[-1].text if answered else writing.last_user_text(request)
    images = sum(len(message.images) for message in request.messages)
    seen = f"{text} [images: {images}]".lstrip() if images else text
    return writing.in_form(Answer(seen or "(nothing)"), request, calls=calls)


def _answered(request: ChatRequest) -> bool:
    """Return whether a tool's result comes last; an empty system message alone is nothing."""
    return request.messages[-1:] != () and request.messages[-1].role is Role.TOOL


def _thinking(request: ChatRequest) -> Answer:
    said = echo(request)
    silent = request.reasoning is ReasoningEffort.NONE
    return said if silent else replace(said, reasoning=_THOUGHT)


def _calling(request: ChatRequest) -> Answer:
    """Return a call of every tool on offer, until a tool has answered."""
    answered = _answered(request)
    if answered or not request.tools or request.tool_choice is ToolChoice.NONE:
        return echo(request, calls=not answered)
    wanted = request.tools if request.parallel_tool_calls else request.tools[:1]
    text = writing.last_user_text(request)
    return Answer(calls=[_call(tool, text) for tool in wanted])


def _call(tool: ToolDefinition, text: str) -> tuple[str, str]:
    value = fill(tool.parameters, text)
    if tool.strict and not fits(tool.parameters, value):
        raise errors.no_value()
    return tool.name, json.dumps(value)


def _slow(request: ChatRequest) -> Answer:
    return replace(echo(request), pace=_SLOWLY)


def _silent(_request: ChatRequest) -> Answer:
    return Answer("(never)", pace=_NEVER)


def _breaking(request: ChatRequest) -> Answer:
    return replace(echo(request), failure=errors.truncated(), failure_after=_BEFORE_FAILURE)


def _failing(kind: str) -> Callable[[ChatRequest], Answer]:
    def fail(_request: ChatRequest) -> Answer:
        return Answer(failure=errors.made(kind))

    return fail


_WRITERS: Mapping[str, Callable[[ChatRequest], Answer]] = {
    ECHO: echo,
    "scripted-think": _thinking,
    "scripted-tools": _calling,
    "scripted-slow": _slow,
    "scripted-silent": _silent,
    "scripted-error-midway": _breaking,
    **{f"scripted-error-{status}": _failing(kind) for status, kind in _BY_STATUS.items()},
}
_EMBEDDER = "scripted-embed"


def _details(name: str) -> ModelDetails:
    if name == _EMBEDDER:
        can = frozenset({Capability.EMBEDDING})
        return ModelDetails(name, can, context_length=_CONTEXT, embedding_length=vectors.LENGTH)
    can = frozenset({Capability.COMPLETION, Capability.TOOLS, Capability.VISION})
    if name == "scripted-think":
        can |= {Capability.THINKING}
    return ModelDetails(name, can, context_length=_CONTEXT)


class Builtin:
    """The models by whose names one chooses what happens."""

    models: Mapping[str, tuple[ModelSummary, ModelDetails]] = {
        name: (ModelSummary(name, _CREATED), _details(name)) for name in (*_WRITERS, _EMBEDDER)
    }

    def chat(self, request: ChatRequest) -> Steps:
        write = _WRITERS.get(request.model.removesuffix(":latest").casefold())
        if write is None:
            raise errors.no_rule(request.model)
        return steps(write(request), writing.asked(request))

    def completion(self, request: CompletionRequest) -> Steps:
        return self.chat(writing.as_chat(request))

    def vectors(self, request: EmbedRequest) -> EmbedResult:
        return vectors.of(request)
