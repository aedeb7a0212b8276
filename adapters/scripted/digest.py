"""Requests by which answers are found again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

import msgspec

from domain.chat import ChatRequest
from domain.models import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest

    Request = ChatRequest | CompletionRequest | EmbedRequest

# So many that no two requests of anyone's tests share one.
_HEX_DIGITS = 16


def normal(request: Request) -> dict[str, Any]:
    """Return what of a request decides on its answer, as JSON has it.

    Names of models have one spelling, defaults are left out, and ids of calls, which no two runs
    share, are numbered.
    """
    plain: dict[str, Any] = msgspec.to_builtins(request)
    plain["endpoint"] = type(request).__name__
    plain["model"] = canonical(request.model)
    plain["engine"].pop("keep_alive", None)
    if isinstance(request, ChatRequest):
        # Forms without fields are told apart by their names alone.
        plain["output"] = {"form": type(request.output).__name__, **plain["output"]}
        plain["messages"] = _with_numbered_calls(plain["messages"])
    return cast("dict[str, Any]", _without_nothing(plain))


def of(normal_request: Mapping[str, Any]) -> str:
    """Return the digest of a normalised request."""
    text = json.dumps(normal_request, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_HEX_DIGITS]


def _with_numbered_calls(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers: dict[str, str] = {}

    def number(call_id: str | None) -> str | None:
        return call_id and numbers.setdefault(call_id, f"call_{len(numbers)}")

    return [
        message
        | {
            "tool_calls": [call | {"id": number(call["id"])} for call in message["tool_calls"]],
            "tool_call_id": number(message["tool_call_id"]),
        }
        for message in messages
    ]


def _without_nothing(value: object) -> object:
    """Leave out fields that say nothing, so that a new field changes no digest."""
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        kept = {name: _without_nothing(it) for name, it in items if it is not None}
        return {name: it for name, it in kept.items() if it not in ({}, [], ())}
    if isinstance(value, list | tuple):
        return [_without_nothing(it) for it in cast("list[object]", value)]
    return value
