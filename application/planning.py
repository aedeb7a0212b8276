"""From what a caller asks to what a model server can be asked."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from application.demands import Demands
from application.envelope import tools_text
from domain import prompt, tool_envelope
from domain.chat import ChatRequest
from domain.errors import InvalidRequestError
from domain.messages import Role
from domain.models import Capability, ModelDetails
from domain.sampling import (
    JSONObjectFormat,
    JSONSchemaFormat,
    OutputFormat,
    ReasoningEffort,
    TextFormat,
)
from domain.tool_envelope import Envelope
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from application.ports.llm import LLMPort
    from application.ports.schema import SchemaPort
    from domain.messages import Message

_NO_THOUGHT = frozenset({None, ReasoningEffort.NONE})
_PLAIN_ROLES = frozenset({Role.USER, Role.ASSISTANT})
_NO_DEMANDS = Demands(None, {}, one_call=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """A request as the model server gets it, and how to read and judge the answer."""

    request: ChatRequest
    envelope: Envelope | None
    demands: Demands

    def again(self, fault: str) -> Plan:
        """Return the plan of a second attempt, after an answer with ``fault``."""
        rule = f"An earlier answer was refused: {fault} Take care to avoid that."
        sampling = self.request.sampling
        if sampling.seed is not None:
            sampling = replace(sampling, seed=sampling.seed + 1)
        messages = prompt.build(self.request.messages, rules=[rule])
        return replace(self, request=replace(self.request, messages=messages, sampling=sampling))


async def plan(request: ChatRequest, llm: LLMPort, schemas: SchemaPort) -> Plan:
    """Return how to get what ``request`` asks.

    Raises:
        InvalidRequestError: the model cannot do it, or a schema is not one.
        NotFoundError: no such model.
        UpstreamError: the model server failed to describe the model.
    """
    if _is_plain(request):
        return Plan(request, None, _NO_DEMANDS)
    offers = bool(request.tools) and request.tool_choice is not ToolChoice.NONE
    details = await _details(request, llm, offers=offers)
    if details.lacks(Capability.THINKING):
        request = replace(request, reasoning=None)
    demands = _demands(request, schemas, offers=offers)
    envelope = _envelope(request, details) if offers else None
    messages: tuple[Message, ...] = request.messages
    if envelope is not None and details.lacks(Capability.TOOLS):
        messages = tool_envelope.as_text(prompt.build(messages))
    messages = prompt.build(messages, verbosity=request.verbosity, rules=_rules(request, envelope))
    if envelope is None:
        asked = replace(request, messages=messages)
    else:
        output = JSONSchemaFormat("answer", envelope.schema())
        asked = replace(request, messages=messages, tools=(), output=output, top_logprobs=None)
    return Plan(asked, envelope, demands)


def _is_plain(request: ChatRequest) -> bool:
    """Return whether the model server can be asked with ``request`` as it is.

    Most requests are so: plain turns after at most one system message, for free text.
    """
    return (
        not request.tools
        and request.reasoning in _NO_THOUGHT
        and request.verbosity is None
        and isinstance(request.output, TextFormat)
        and all(
            isinstance(message.content, str)
            and (message.role in _PLAIN_ROLES or _leads(message, index))
            for index, message in enumerate(request.messages)
        )
    )


def _leads(message: Message, index: int) -> bool:
    return index == 0 and message.role is Role.SYSTEM and bool(message.content)


async def _details(request: ChatRequest, llm: LLMPort, *, offers: bool) -> ModelDetails:
    """Ask what the model can do, if that matters here, and refuse what it cannot."""
    sees = any(message.images for message in request.messages)
    thinks = request.reasoning not in _NO_THOUGHT
    if not (offers or sees or thinks):
        return ModelDetails(request.model)
    details = await llm.show_model(request.model)
    if offers and details.lacks(Capability.TOOLS) and not details.emulate_tools:
        raise _cannot(request.model, "does not support tools", Capability.TOOLS, "tools")
    if sees and details.lacks(Capability.VISION):
        raise _cannot(request.model, "cannot see images", Capability.VISION, "messages")
    # A minimum of thought is what such a model gives.
    demanding = thinks and request.reasoning is not ReasoningEffort.MINIMAL
    if demanding and details.lacks(Capability.THINKING):
        what = "does not support reasoning"
        raise _cannot(request.model, what, Capability.THINKING, "reasoning_effort")
    return details


def _cannot(model: str, what: str, wanted: Capability, param: str) -> InvalidRequestError:
    message = (
        f"The model '{model}' {what}: choose one with '{wanted}' among its 'capabilities' "
        "in the list of models."
    )
    return InvalidRequestError(message, code="unsupported_parameter", param=param)


def _envelope(request: ChatRequest, details: ModelDetails) -> Envelope | None:
    forced = request.tool_choice is ToolChoice.REQUIRED
    native = not details.lacks(Capability.TOOLS)
    # A grammar binds the whole output: with one in force a model cannot write its own kind of
    # call, so tools beside a JSON format need the envelope, too.
    if native and not forced and isinstance(request.output, TextFormat):
        return None
    return Envelope(
        request.tools,
        may_reply=not forced,
        # A model that was not trained to call tools repeats itself.
        parallel=request.parallel_tool_calls and native,
        output=request.output,
    )


def _demands(request: ChatRequest, schemas: SchemaPort, *, offers: bool) -> Demands:
    output = None
    if isinstance(request.output, JSONSchemaFormat):
        check = schemas.compile(request.output.schema, param="response_format")
        output = check if request.output.strict else None
    arguments = {
        tool.name: schemas.compile(tool.parameters, param="tools")
        for tool in request.tools
        if tool.strict and offers
    }
    return Demands(output, arguments, one_call=offers and not request.parallel_tool_calls)


def _rules(request: ChatRequest, envelope: Envelope | None) -> list[str]:
    if envelope is not None:
        rules = [envelope.rule(tools_text(envelope.tools))]
        return rules + _format_rules(request.output) if envelope.may_reply else rules
    return _format_rules(request.output)


def _format_rules(output: OutputFormat) -> list[str]:
    match output:
        case TextFormat():
            return []
        case JSONObjectFormat():
            return [prompt.json_rule(None)]
        case JSONSchemaFormat(_, schema):
            return [prompt.json_rule(json.dumps(schema, ensure_ascii=False))]
