"""/v1/conversations."""

from __future__ import annotations

import msgspec
from litestar import Controller, Request, delete, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.types import ASGIApp

from application.conversations import ConversationsService
from entrypoints.http.auth import owner
from entrypoints.http.json_endpoint import JSONEndpoint
from entrypoints.http.openai.conversations import operation
from entrypoints.http.openai.conversations.endpoint import deleted, shown
from entrypoints.http.openai.paging import page
from entrypoints.http.openai.responses import query, render
from entrypoints.http.replies import JSONReply

_PATH = "/{conversation_id:str}"
_encode = msgspec.json.Encoder().encode


class ConversationsController(Controller):
    """Conversations in the document and on their paths."""

    path = "/v1/conversations"
    tags = ("Conversations",)

    @post(
        "",
        status_code=200,
        summary="Begin a conversation",
        operation_id="createConversation",
        operation_class=operation.CREATE,
    )
    async def create(self, conversations_create: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Begin a conversation, with up to 20 items."""
        return conversations_create

    @get(
        _PATH,
        summary="Get a conversation",
        operation_id="getConversation",
        operation_class=operation.GET,
    )
    async def retrieve(
        self,
        request: Request[None, None, State],
        conversation_id: FromPath[str],
        conversations: NamedDependency[ConversationsService],
    ) -> ASGIApp:
        """Get a conversation without its items."""
        return JSONReply(shown(await conversations.get(owner(request.scope), conversation_id)))

    @post(
        _PATH,
        status_code=200,
        summary="Change a conversation",
        operation_id="updateConversation",
        operation_class=operation.UPDATE,
    )
    async def update(self, conversations_update: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Replace the metadata of a conversation."""
        return conversations_update

    @delete(
        _PATH,
        status_code=200,
        summary="Delete a conversation",
        operation_id="deleteConversation",
        operation_class=operation.DELETE,
    )
    async def remove(
        self,
        request: Request[None, None, State],
        conversation_id: FromPath[str],
        conversations: NamedDependency[ConversationsService],
    ) -> ASGIApp:
        """Delete a conversation and its items; responses made in it stay."""
        await conversations.delete(owner(request.scope), conversation_id)
        return JSONReply(deleted(conversation_id))

    @get(
        f"{_PATH}/items",
        summary="List a conversation's items",
        operation_id="listConversationItems",
        operation_class=operation.ITEMS,
    )
    async def items(
        self,
        request: Request[None, None, State],
        conversation_id: FromPath[str],
        conversations: NamedDependency[ConversationsService],
    ) -> ASGIApp:
        """List the items of a conversation in pages, newest first unless `order=asc`."""
        text = request.scope["query_string"]
        wanted, encrypted = page(text), query.read(text).encrypted
        whole = await conversations.items(owner(request.scope), conversation_id)
        part, has_more = wanted.of(whole, lambda item: item.id)
        return JSONReply(render.item_list(part, has_more=has_more, encrypted=encrypted))

    @post(
        f"{_PATH}/items",
        status_code=200,
        summary="Add items to a conversation",
        operation_id="createConversationItems",
        operation_class=operation.APPEND,
    )
    async def append(self, conversations_append: NamedDependency[JSONEndpoint]) -> ASGIApp:
        """Add up to 20 items at the end of a conversation, and return them."""
        return conversations_append

    @get(
        f"{_PATH}/items/{{item_id:str}}",
        summary="Get an item of a conversation",
        operation_id="getConversationItem",
        operation_class=operation.ITEM,
    )
    async def item(
        self,
        request: Request[None, None, State],
        conversation_id: FromPath[str],
        item_id: FromPath[str],
        conversations: NamedDependency[ConversationsService],
    ) -> ASGIApp:
        """Get one item."""
        found = await conversations.item(owner(request.scope), conversation_id, item_id)
        encrypted = query.read(request.scope["query_string"]).encrypted
        return JSONReply(_encode(render.item(found, encrypted=encrypted)))

    @delete(
        f"{_PATH}/items/{{item_id:str}}",
        status_code=200,
        summary="Delete an item of a conversation",
        operation_id="deleteConversationItem",
        operation_class=operation.REMOVE,
    )
    async def remove_item(
        self,
        request: Request[None, None, State],
        conversation_id: FromPath[str],
        item_id: FromPath[str],
        conversations: NamedDependency[ConversationsService],
    ) -> ASGIApp:
        """Take an item out of a conversation, and return the conversation."""
        left = await conversations.remove(owner(request.scope), conversation_id, item_id)
        return JSONReply(shown(left))
