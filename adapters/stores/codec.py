"""Responses, items and conversations to bytes and back.

The first byte is the version of the form. The structs here are the form: whoever changes them
in a way that old bytes do not bear (a new field needs a default) raises the version, and keeps
reading the old one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from adapters.stores import form
from adapters.stores.errors import unreadable
from adapters.stores.items import pack_item, unpack_item
from domain.chat import Usage
from domain.conversation import (
    Conversation,
    Failure,
    ResponseStatus,
    Shortfall,
    StoredResponse,
)

if TYPE_CHECKING:
    from domain.items import Item

T = TypeVar("T")

VERSION = b"\x01"

_encode = msgspec.msgpack.Encoder().encode
_response = msgspec.msgpack.Decoder(form.Response)
_item = msgspec.msgpack.Decoder(form.Item)
_conversation = msgspec.msgpack.Decoder(form.Conversation)


def encode_response(response: StoredResponse) -> bytes:
    """Return ``response`` as bytes."""
    usage, failure = response.usage, response.failure
    return VERSION + _encode(
        form.Response(
            id=response.id,
            created=response.created,
            model=response.model,
            status=response.status.value,
            echo=response.echo,
            input=[pack_item(item) for item in response.input],
            output=[pack_item(item) for item in response.output],
            previous_id=response.previous_id,
            conversation_id=response.conversation_id,
            background=response.background,
            completed=response.completed,
            usage=None if usage is None else _pack_usage(usage),
            failure=None if failure is None else form.Failure(failure.code, failure.message),
            shortfall=None if response.shortfall is None else response.shortfall.value,
        )
    )


def decode_response(data: bytes) -> StoredResponse:
    """Return the response that ``data`` holds.

    Raises:
        StoreError: it holds none that this version can read.
    """
    packed = _decoded(_response, data)
    try:
        return StoredResponse(
            id=packed.id,
            created=packed.created,
            model=packed.model,
            status=ResponseStatus(packed.status),
            echo=packed.echo,
            input=tuple(map(unpack_item, packed.input)),
            output=tuple(map(unpack_item, packed.output)),
            previous_id=packed.previous_id,
            conversation_id=packed.conversation_id,
            background=packed.background,
            completed=packed.completed,
            usage=None if packed.usage is None else _unpack_usage(packed.usage),
            failure=None
            if packed.failure is None
            else Failure(packed.failure.code, packed.failure.message),
            shortfall=None if packed.shortfall is None else Shortfall(packed.shortfall),
        )
    except ValueError as error:
        raise unreadable() from error


def encode_item(item: Item) -> bytes:
    """Return ``item`` as bytes."""
    return VERSION + _encode(pack_item(item))


def decode_item(data: bytes) -> Item:
    """Return the item that ``data`` holds.

    Raises:
        StoreError: it holds none that this version can read.
    """
    try:
        return unpack_item(_decoded(_item, data))
    except ValueError as error:
        raise unreadable() from error


def encode_conversation(conversation: Conversation) -> bytes:
    """Return ``conversation`` as bytes."""
    metadata = dict(conversation.metadata)
    return VERSION + _encode(form.Conversation(conversation.id, conversation.created, metadata))


def decode_conversation(data: bytes) -> Conversation:
    """Return the conversation that ``data`` holds.

    Raises:
        StoreError: it holds none that this version can read.
    """
    packed = _decoded(_conversation, data)
    return Conversation(packed.id, packed.created, packed.metadata)


def _decoded(decoder: msgspec.msgpack.Decoder[T], data: bytes) -> T:
    if data[:1] != VERSION:
        raise unreadable()
    try:
        return decoder.decode(memoryview(data)[1:])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable() from error


def _pack_usage(usage: Usage) -> form.Usage:
    return form.Usage(
        usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.reasoning_tokens
    )


def _unpack_usage(usage: form.Usage) -> Usage:
    return Usage(usage.prompt, usage.completion, usage.cached, usage.reasoning)
