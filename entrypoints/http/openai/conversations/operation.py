"""/v1/conversations for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from entrypoints.http.openai.conversations import wire
from entrypoints.http.openai.operations import Content, operation
from entrypoints.http.openai.responses import answer

_CONVERSATION: dict[str, Any] = {
    "id": "conv_1",
    "object": "conversation",
    "created_at": 1_700_000_000,
    "metadata": {"topic": "tea"},
}
_ITEM: dict[str, Any] = {
    "id": "msg_2",
    "type": "message",
    "status": "completed",
    "role": "user",
    "content": [{"type": "input_text", "text": "Hello"}],
}
_LIST: dict[str, Any] = {
    "object": "list",
    "data": [_ITEM],
    "first_id": "msg_2",
    "last_id": "msg_2",
    "has_more": False,
}
_GIVEN = [{"role": "user", "content": "Hello"}]
_FAMILY = "conversations"

CREATE = operation(
    _FAMILY,
    Content(wire.Conversation, {"Made": _CONVERSATION}),
    body=Content(
        wire.CreateRequest, {"With an item": {"items": _GIVEN, "metadata": {"topic": "tea"}}}
    ),
)
GET = operation(_FAMILY, Content(wire.Conversation, {"A conversation": _CONVERSATION}))
UPDATE = operation(
    _FAMILY,
    Content(wire.Conversation, {"Changed": _CONVERSATION}),
    body=Content(wire.UpdateRequest, {"A note": {"metadata": {"topic": "tea"}}}),
)
DELETE = operation(
    _FAMILY,
    Content(
        wire.Deleted,
        {"Gone": {"id": "conv_1", "object": "conversation.deleted", "deleted": True}},
    ),
)
ITEMS = operation(_FAMILY, Content(answer.ItemList, {"One item": _LIST}))
APPEND = operation(
    _FAMILY,
    Content(answer.ItemList, {"One item more": _LIST}),
    body=Content(wire.ItemsRequest, {"A message": {"items": _GIVEN}}),
)
ITEM = operation(_FAMILY, Content(answer.Item, {"A message": _ITEM}))
REMOVE = operation(_FAMILY, Content(wire.Conversation, {"What is left": _CONVERSATION}))
