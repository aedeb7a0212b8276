"""Responses' wire to the domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import UNSET

from domain.chat import ChatRequest, EngineOptions
from domain.conversation import ResponseRequest
from domain.errors import InvalidRequestError
from domain.messages import Message, Role
from domain.sampling import (
    TEXT,
    JSONObjectFormat,
    JSONSchemaFormat,
    OutputFormat,
    ReasoningEffort,
    Sampling,
    Verbosity,
)
from entrypoints.http.openai.parsing import free_form
from entrypoints.http.openai.responses import echo, wire
from entrypoints.http.openai.responses.items import TRIGGER, items
from entrypoints.http.openai.responses.tools import Tools, tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.defaults import Defaults

# A header holds so many names; what follows is ignored just the same.
_MOST_NAMED = 32

_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and how its answer is shown.

    Attributes:
        ignored: paths of what does nothing.
        encrypted: whether reasoning items bring what can be sent back.
    """

    request: ResponseRequest
    ignored: tuple[str, ...] = ()
    encrypted: bool = False


def to_domain(body: wire.ResponsesRequest, defaults: Defaults) -> Asked:
    """Return the request that ``body`` makes.

    Raises:
        InvalidRequestError: fields contradict each other, or ask for what is not supported.
    """
    _refuse(body)
    _check_together(body)
    body.store = body.store is not False and defaults.keeps
    if body.background and not body.store:
        raise unkept(defaults)
    include = frozenset(body.include or ())
    offered = tools(body.tools or (), body.tool_choice)
    said, compacts = _said(body)
    given, passed_over = items(said)
    output = _output(body.text)
    chat = _chat(body, defaults, offered, output, logprobs=_LOGPROBS in include)
    ignored = [*offered.skipped, *passed_over]
    if _is_set(body.context_management):
        ignored.append("context_management")
    request = ResponseRequest(
        chat=chat,
        input=given,
        echo=echo.of(body, chat, offered),
        previous_id=body.previous_response_id,
        conversation_id=_conversation_id(body),
        background=bool(body.background),
        store=body.store,
        compacts=compacts,
        custom=offered.custom,
        namespaces=offered.namespaces,
    )
    return Asked(request, tuple(ignored[:_MOST_NAMED]), encrypted=_ENCRYPTED in include)


def _said(body: wire.ResponsesRequest) -> tuple[str | Sequence[wire.InputItem] | None, bool]:
    """Return the input, and whether the item at its end asks for a short context.

    Raises:
        InvalidRequestError: that of a conversation, which stays as it is.
    """
    if not isinstance(body.input, list) or not body.input or body.input[-1].type != TRIGGER:
        return body.input, False
    if body.conversation is not None:
        message = f"A conversation is not made short: send its items, then '{TRIGGER}'."
        param = f"input[{len(body.input) - 1}]"
        raise InvalidRequestError(message, code="unsupported_value", param=param)
    return body.input[:-1], True


def unkept(defaults: Defaults) -> InvalidRequestError:
    """Return the error for a response in the background that would not be kept."""
    message = "Responses in the background must be kept: leave out 'store'."
    if not defaults.keeps:
        message = "This server keeps no responses (RESPONSE_STORE=none), so none in the background."
    return InvalidRequestError(message, code="unsupported_parameter", param="background")


def _refuse(body: wire.ResponsesRequest) -> None:
    for name, why in (
        ("prompt", "this server keeps no prompts; send 'instructions' and 'input'"),
        ("moderation", "this server does not moderate"),
    ):
        if _is_set(getattr(body, name)):
            raise _unsupported(name, why)


def _is_set(value: wire.Unread) -> bool:
    return value is not UNSET and bytes(value) != b"null"


def _unsupported(param: str, why: str) -> InvalidRequestError:
    message = f"Unsupported parameter: '{param}': {why}."
    return InvalidRequestError(message, code="unsupported_parameter", param=param)


def _check_together(body: wire.ResponsesRequest) -> None:
    if body.stream_options is not None and not body.stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise InvalidRequestError(message, param="stream_options")
    follows = body.previous_response_id is not None or body.conversation is not None
    if body.previous_response_id is not None and body.conversation is not None:
        message = "'previous_response_id' and 'conversation' are mutually exclusive."
        raise InvalidRequestError(
            message, code="mutually_exclusive_parameters", param="previous_response_id"
        )
    if body.input is None and not follows:
        message = "Missing required parameter: 'input'."
        raise InvalidRequestError(message, code="missing_required_parameter", param="input")


def _chat(
    body: wire.ResponsesRequest,
    defaults: Defaults,
    offered: Tools,
    output: OutputFormat,
    *,
    logprobs: bool,
) -> ChatRequest:
    temperature = defaults.temperature if body.temperature is None else body.temperature
    return ChatRequest(
        model=body.model or defaults.model,
        messages=(Message(Role.SYSTEM, body.instructions),) if body.instructions else (),
        sampling=Sampling(
            temperature=temperature,
            top_p=body.top_p,
            frequency_penalty=body.frequency_penalty,
            presence_penalty=body.presence_penalty,
            max_tokens=body.max_output_tokens,
        ),
        output=output,
        tools=offered.offered,
        tool_choice=offered.choice,
        parallel_tool_calls=body.parallel_tool_calls is not False and not offered.one_call,
        reasoning=_effort(body.reasoning),
        verbosity=Verbosity(body.text.verbosity) if body.text and body.text.verbosity else None,
        top_logprobs=(body.top_logprobs or 0) if logprobs else None,
        engine=EngineOptions(truncate=body.truncation == "auto"),
    )


def _effort(reasoning: wire.ReasoningOptions | None) -> ReasoningEffort | None:
    if reasoning is None or reasoning.effort is None:
        return None
    return ReasoningEffort(reasoning.effort)


def _output(text: wire.TextOptions | None) -> OutputFormat:
    match None if text is None else text.format:
        case wire.JSONObjectFormatOption():
            return JSONObjectFormat()
        case wire.JSONSchemaFormatOption(name, schema, _, strict):
            param = "text.format.schema"
            return JSONSchemaFormat(name, free_form(schema, param), strict=bool(strict))
        case _:
            return TEXT


def _conversation_id(body: wire.ResponsesRequest) -> str | None:
    given = body.conversation
    return given.id if isinstance(given, wire.ConversationOption) else given
