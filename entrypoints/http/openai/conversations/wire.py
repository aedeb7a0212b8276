"""The JSON of conversations (OpenAI's OpenAPI document, Conversation and its requests)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from entrypoints.http.openai.fields import Metadata
from entrypoints.http.openai.responses.wire import InputItem

Items = Annotated[list[InputItem], Meta(max_length=20)]


class CreateRequest(Struct, forbid_unknown_fields=True):
    """The body of POST /v1/conversations."""

    items: Items | None = None
    metadata: Metadata | None = None


class UpdateRequest(Struct, forbid_unknown_fields=True):
    """The body of POST /v1/conversations/{id}."""

    metadata: Metadata | None


class ItemsRequest(Struct, forbid_unknown_fields=True):
    """The body of POST /v1/conversations/{id}/items."""

    items: Items


class Conversation(Struct):
    """A conversation."""

    id: str
    created_at: int
    metadata: dict[str, str]
    object: Literal["conversation"] = "conversation"


class Deleted(Struct):
    """A conversation that is no more."""

    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True
