"""Valid bodies of every endpoint that takes one: where the fuzz begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.compat import test_chat_fields, test_responses_fields
from tests.compat.test_completions_embeddings_fields import COMPLETIONS, EMBEDDINGS
from tests.support import raw_http
from tests.support.service import CHAT

if TYPE_CHECKING:
    from collections.abc import Sequence

_RESPONSES = "/v1/responses"
_COMPACTED = ("model", "input", "instructions", "previous_response_id")
_MESSAGE = {"type": "message", "role": "user", "content": "Hi"}


@dataclass(frozen=True, slots=True)
class Sample:
    """A body and where it goes."""

    path: str
    body: Any


@dataclass(frozen=True, slots=True)
class Known:
    """Names of what is there, by the words that stand for them in braces."""

    names: Mapping[str, str]

    def filled(self, text: str) -> str:
        """Return ``text`` with the names in their places."""
        for word, name in self.names.items():
            text = text.replace(f"{{{word}}}", name)
        return text

    def is_in(self, text: str) -> bool:
        """Return whether ``text`` has one of the names."""
        return any(name in text for name in self.names.values())


async def samples(
    port: int, models: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[Sequence[Sample], Known]:
    """Return the bodies for a service, in which a conversation and a response are made first.

    Args:
        port: where it listens.
        models: by the names in the bodies, those that the service has.
        headers: with a key that it knows.
    """
    conversation = await _made(port, "/v1/conversations", {"items": [_MESSAGE]}, headers)
    response = await _made(port, _RESPONSES, {"input": "Hi", "store": True}, headers)
    text = json.dumps([[sample.path, sample.body] for sample in _all()])
    known = {
        test_responses_fields.CONVERSATION: conversation["id"],
        test_responses_fields.RESPONSE: response["id"],
        **models,
    }
    for name, own in known.items():
        text = text.replace(f'"{name}"', json.dumps(own))
    names = {
        "conversation": conversation["id"],
        "response": response["id"],
        "item": response["output"][0]["id"],
        "model": models["llama3"],
    }
    return [Sample(path, body) for path, body in json.loads(text)], Known(names)


async def _made(port: int, path: str, body: Any, headers: Mapping[str, str]) -> Any:
    _, data = await raw_http.fetch(port, path, body, {"x-responses-shape": "openai", **headers})
    return json.loads(data)


def _short(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what of a body there is to make short."""
    return {name: value for name, value in body.items() if name in _COMPACTED}


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
        *(Sample(f"{_RESPONSES}/compact", _short(body)) for body in counted),
        *(Sample("/v1/conversations", body) for body in conversations),
        Sample("/v1/conversations/{conversation}", {"metadata": {"a": "b"}}),
        *(Sample("/v1/conversations/{conversation}/items", body) for body in items),
        *(Sample(COMPLETIONS.path, body) for body in COMPLETIONS.samples),
        *(Sample(EMBEDDINGS.path, body) for body in EMBEDDINGS.samples),
    ]
