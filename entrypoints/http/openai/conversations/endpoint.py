"""The bodies that /v1/conversations takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from domain.errors import InvalidRequestError
from entrypoints.http.auth import owner
from entrypoints.http.openai.conversations import wire
from entrypoints.http.openai.parsing import BodyParser, ignored_header
from entrypoints.http.openai.responses import render
from entrypoints.http.openai.responses.items import items
from entrypoints.http.replies import JSONReply

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope

    from application.conversations import ConversationsService
    from application.defaults import Defaults
    from domain.conversation import Conversation

_create = BodyParser(wire.CreateRequest)
_update = BodyParser(wire.UpdateRequest)
_append = BodyParser(wire.ItemsRequest)
_encode = msgspec.json.Encoder().encode


class ConversationEndpoints:
    """Answers bodies of conversations."""

    def __init__(self, conversations: ConversationsService, defaults: Defaults) -> None:
        self._conversations = conversations
        self._defaults = defaults

    async def create(self, body: bytes, scope: Scope, _receive: Receive) -> ASGIApp:
        """Make a conversation; an empty body is one without items.

        Raises:
            ServiceError: there is none.
        """
        if not self._defaults.keeps:
            message = "This server keeps no conversations (RESPONSE_STORE=none)."
            raise InvalidRequestError(message, code="unsupported_endpoint")
        parsed = _create.parse(body or b"{}")
        given, skipped = items(parsed.wire.items, "items")
        made = await self._conversations.create(owner(scope), parsed.wire.metadata or {}, given)
        return JSONReply(shown(made), headers=ignored_header(parsed, *skipped))

    async def update(self, body: bytes, scope: Scope, _receive: Receive) -> ASGIApp:
        """Replace a conversation's metadata.

        Raises:
            ServiceError: it cannot be done.
        """
        parsed = _update.parse(body)
        metadata = parsed.wire.metadata or {}
        changed = await self._conversations.update(owner(scope), _id(scope), metadata)
        return JSONReply(shown(changed), headers=ignored_header(parsed))

    async def append(self, body: bytes, scope: Scope, _receive: Receive) -> ASGIApp:
        """Add items to a conversation.

        Raises:
            ServiceError: it cannot be done.
        """
        parsed = _append.parse(body)
        given, skipped = items(parsed.wire.items, "items")
        added = await self._conversations.append(owner(scope), _id(scope), given)
        reply = render.item_list(added, has_more=False)
        return JSONReply(reply, headers=ignored_header(parsed, *skipped))


def shown(conversation: Conversation) -> bytes:
    """Return the conversation object."""
    return _encode(
        wire.Conversation(conversation.id, conversation.created, dict(conversation.metadata))
    )


def deleted(conversation_id: str) -> bytes:
    """Return what the deletion of a conversation is answered with."""
    return _encode(wire.Deleted(conversation_id))


def _id(scope: Scope) -> str:
    found: str = scope["path_params"]["conversation_id"]
    return found
