"""The port to images that a request names by their address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from domain.messages import ImageLink, ImagePart


class ImagePort(Protocol):
    """Something that fetches images."""

    async def fetch(self, link: ImageLink) -> ImagePart:
        """Return the image at the address.

        Raises:
            InvalidRequestError: it may not be fetched, cannot be, or is no image; ``param`` is
                the link's.
        """
        ...
