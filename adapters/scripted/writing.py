"""What is to be said, in the form that a request asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters.scripted import errors
from adapters.scripted.answer import Answer, Asked, count
from adapters.scripted.filling import fill, fits
from domain.chat import ChatRequest
from domain.messages import Message, Role
from domain.sampling import JSONObjectFormat, JSONSchemaFormat
from domain.tool_envelope import CALLS, REPLY
from domain.tools import ToolChoice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.completion import CompletionRequest


def last_user_text(request: ChatRequest) -> str:
    """Return what the user said last; empty if nothing."""
    said = (message.text for message in reversed(request.messages) if message.role is Role.USER)
    return next(said, "")


def asked(request: ChatRequest) -> Asked:
    """Return what of a conversation shapes its answer."""
    tokens = sum(count(message.text) for message in request.messages)
    return Asked(max(tokens, 1), len(request.messages), request.sampling, request.top_logprobs)


def as_chat(request: CompletionRequest) -> ChatRequest:
    """Return a bare prompt as what a user says."""
    return ChatRequest(
        request.model,
        (Message(Role.USER, request.prompt),),
        request.sampling,
        top_logprobs=request.top_logprobs,
        engine=request.engine,
    )


def in_form(answer: Answer, request: ChatRequest, *, calls: bool = False) -> Answer:
    """Return an answer of free words in the form that a request demands.

    Where that is JSON, the words are its strings.

    Args:
        answer: its text.
        request: the request.
        calls: rather calls a tool than answer, where the form allows both.

    Raises:
        InvalidRequestError: there is a schema to keep to, and nothing was found that does.
    """
    match request.output:
        case JSONSchemaFormat(_, schema, strict):
            is_envelope = _envelope(request) is not None
            kinds = schema.get("anyOf", ()) if is_envelope else ()
            wanted = kinds[0 if calls else -1] if kinds else schema
            value = fill(wanted, answer.text, schema)
            if (strict or is_envelope) and not fits(schema, value):
                raise errors.no_value()
            return replace(answer, text=_json(value))
        case JSONObjectFormat():
            return replace(answer, text=_json({"text": answer.text}))
        case _:
            return answer


def as_written(answer: Answer, request: ChatRequest) -> Answer:
    """Return an answer as a script has it, calls in the form that the request has for them.

    Raises:
        InvalidRequestError: it calls a tool that the request does not offer.
    """
    envelope = _envelope(request)
    if envelope is None:
        offered = () if request.tool_choice is ToolChoice.NONE else request.tools
        _demand(answer.calls, {tool.name for tool in offered})
        return answer
    _demand(answer.calls, _names(envelope.get(CALLS, {})))
    if answer.calls:
        calls = [{"name": name, "arguments": json.loads(text)} for name, text in answer.calls]
        return replace(answer, text=_json({CALLS: calls}), calls=(), reason=None)
    if REPLY not in envelope:
        return in_form(answer, request)
    if envelope[REPLY].get("type") == "string":
        return replace(answer, text=_json({REPLY: answer.text}))
    return replace(answer, text=f'{{"{REPLY}": {answer.text}}}')


def _envelope(request: ChatRequest) -> Mapping[str, Any] | None:
    """Return the schemas of calls and of a reply, where the request has calls written as JSON."""
    if request.tools or not isinstance(request.output, JSONSchemaFormat):
        return None
    schema = request.output.schema
    kinds: Sequence[Mapping[str, Any]] = schema.get("anyOf", [schema])
    found: dict[str, Any] = {}
    for kind in kinds:
        found |= kind.get("properties", {})
    names = _names(found.get(CALLS, {}))
    return found if names and found.keys() <= {CALLS, REPLY} else None


def _names(calls: Mapping[str, Any]) -> set[str]:
    items: Mapping[str, Any] = calls.get("items", {})
    kinds: Sequence[Mapping[str, Any]] = items.get("anyOf", [items])
    names = (kind.get("properties", {}).get("name", {}).get("const") for kind in kinds)
    return {name for name in names if name}


def _demand(calls: Sequence[tuple[str, str]], offered: set[str]) -> None:
    for name, _ in calls:
        if name not in offered:
            raise errors.tool_not_offered(name)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
