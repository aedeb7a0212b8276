"""Valid bodies of every endpoint that takes one: where the fuzz begins."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.compat import test_chat_fields, test_responses_fields
from tests.compat.test_completions_embeddings_fields import COMPLETIONS, EMBEDDINGS
from tests.support import raw_http
from tests.support.service import CHAT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RESPONSES = "/v1/responses"
_MESSAGE = {"type": "message", "role": "user", "content": "Hi"}


@dataclass(frozen=True, slots=True)
class Sample:
    """A body and where it goes."""

    path: str
    body: Any


async def samples(port: int, models: Mapping[str, str]) -> Sequence[Sample]:
    """Return the bodies for a service, in which a conversation and a response are made first.

    Args:
        port: where it listens.
        models: by the names in the bodies, those that the service has.
    """
    conversation = await _made(port, "/v1/conversations", {"items": [_MESSAGE]})
    response = await _made(port, _RESPONSES, {"input": "Hi", "store": True})
    text = json.dumps([[sample.path, sample.body] for sample in _all()])
    known = {
        test_responses_fields.CONVERSATION: conversation,
        test_responses_fields.RESPONSE: response,
        **models,
    }
    for name, own in known.items():
        text = text.replace(f'"{name}"', json.dumps(own))
    text = text.replace("{conversation}", conversation)
    return [Sample(path, body) for path, body in json.loads(text)]


async def _made(port: int, path: str, body: Any) -> str:
    headers = {"x-responses-shape": "openai"}
    _, data = await raw_http.fetch(port, path, body, headers)
    return str(json.loads(data)["id"])


def _all() -> list[Sample]:
    chats = [{"messages": [test_chat_fields.USER], **it} for it in test_chat_fields.SHORT]
    responses: list[dict[str, Any]] = [
        *test_responses_fields.SAMPLES,
        {"input": "Hi"},
        {"input": [_MESSAGE]},
    ]
    asked = [body for body in responses if isinstance(body.get("input"), str | list)]
    counted = [
        {name: value for name, value in body.items() if name not in ("stream", "background")}
        for body in asked
    ]
    items: list[dict[str, Any]] = [
        {"items": body["input"]} for body in asked if isinstance(body["input"], list)
    ]
    conversations: list[dict[str, Any]] = [*items, {"metadata": {"a": "b"}}, {}]
    return [
        *(Sample(CHAT, body) for body in (*test_chat_fields.SAMPLES, *chats)),
        *(Sample(_RESPONSES, body) for body in responses),
        *(Sample(f"{_RESPONSES}/input_tokens", body) for body in counted),
        *(Sample(f"{_RESPONSES}/compact", body) for body in counted),
        *(Sample("/v1/conversations", body) for body in conversations),
        Sample("/v1/conversations/{conversation}", {"metadata": {"a": "b"}}),
        *(Sample("/v1/conversations/{conversation}/items", body) for body in items),
        *(Sample(COMPLETIONS.path, body) for body in COMPLETIONS.samples),
        *(Sample(EMBEDDINGS.path, body) for body in EMBEDDINGS.samples),
    ]
