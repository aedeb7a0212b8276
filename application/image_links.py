"""Images that a request names by their address, fetched before the model is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError
from domain.messages import ImageLink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.images import ImagePort
    from domain.messages import ContentPart, Message

# One request holds memory and time of the model server for each.
_MOST_IMAGES = 16


async def fetched(messages: Sequence[Message], images: ImagePort) -> tuple[Message, ...]:
    """Return ``messages`` with every linked image in its place.

    Raises:
        InvalidRequestError: there are too many images, or one cannot be had.
    """
    if sum(message.image_count for message in messages) > _MOST_IMAGES:
        text = f"Too many images: at most {_MOST_IMAGES} are taken in one request."
        raise InvalidRequestError(text, code="array_above_max_length", param="messages")
    return tuple([await _fetched(message, images) for message in messages])


async def _fetched(message: Message, images: ImagePort) -> Message:
    if isinstance(message.content, str):
        return message
    parts: list[ContentPart] = [
        await images.fetch(part) if isinstance(part, ImageLink) else part
        for part in message.content
    ]
    return replace(message, content=tuple(parts))
