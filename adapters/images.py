"""Images from the network, for operators who allow that; guarded against reaching inwards."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from base64 import b64encode
from typing import TYPE_CHECKING

import httpx

from domain.errors import InvalidRequestError
from domain.messages import ImageLink, ImagePart

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_OK = 200
_LIMIT_BYTES = 10 * 1024 * 1024
_PATIENCE_S = 5.0
_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# Prefix under which a NAT64 gateway embeds IPv4 addresses (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# All that is given out; beside it, Python takes for global what may lead to any IPv4 address.
_UNICAST = ipaddress.IPv6Network("2000::/3")
_6TO4 = ipaddress.IPv6Network("2002::/16")


def is_public(address: str) -> bool:
    """Return whether ``address`` lies outside every private, local and reserved range."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(
        address.partition("%")[0]
    )
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        elif ip not in _UNICAST or ip in _6TO4:
            return False
    return ip.is_global and not ip.is_multicast


class GuardedImages:
    """Fetches from the hosts of an allow-list, over TLS, without following redirects.

    A host's addresses are looked up once, each is checked, and the connection goes to the
    first of them: a name that points elsewhere the next time gains nothing.

    Args:
        hosts: names to fetch from, in lower case; none to fetch nothing.
        allows: whether an address may be connected to.
        scheme: the one that is taken.
    """

    def __init__(
        self,
        hosts: Collection[str],
        *,
        allows: Callable[[str], bool] = is_public,
        scheme: str = "https",
    ) -> None:
        self._hosts = frozenset(hosts)
        self._allows = allows
        self._scheme = scheme

    async def fetch(self, link: ImageLink) -> ImagePart:
        url = self._checked(link)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                address = await self._address(url)
                return await _get(url, address, link)
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            message = f"The image at '{link.param}' could not be fetched."
            raise _refused(link, message) from error

    def _checked(self, link: ImageLink) -> httpx.URL:
        if not self._hosts:
            message = (
                f"'{link.param}' is an address, and this server fetches none: send the image as "
                "a data URL, or let the operator set IMAGE_URL_HOSTS."
            )
            raise _refused(link, message)
        try:
            url = httpx.URL(link.url)
        except httpx.InvalidURL as error:
            raise _refused(link, f"'{link.param}' is not an address.") from error
        if url.scheme != self._scheme or url.host.lower() not in self._hosts or url.userinfo:
            message = f"'{link.param}' is not on a host from which images may be fetched."
            raise _refused(link, message)
        return url

    async def _address(self, url: httpx.URL) -> str:
        """Return an address of the host; a name with one that is not allowed has none."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(url.host, None, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not addresses or not all(map(self._allows, addresses)):
            message = "an address of this name is not allowed"
            raise OSError(message)
        return addresses[0]


async def _get(url: httpx.URL, address: str, link: ImageLink) -> ImagePart:
    headers = {"host": url.netloc.decode(), "accept-encoding": "identity"}
    # The name goes into the handshake and the header, the connection to the checked address.
    async with (
        httpx.AsyncClient(trust_env=False, follow_redirects=False) as client,
        client.stream(
            "GET",
            url.copy_with(host=address),
            headers=headers,
            extensions={"sni_hostname": url.host},
        ) as response,
    ):
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code != _OK or "content-encoding" in response.headers:
            message = f"The image at '{link.param}' could not be fetched."
            raise _refused(link, message)
        if kind not in _TYPES:
            message = f"What '{link.param}' names is not an image of a known type."
            raise _refused(link, message, code="invalid_image_format")
        data = bytearray()
        async for piece in response.aiter_raw():
            data += piece
            if len(data) > _LIMIT_BYTES:
                message = f"The image at '{link.param}' is larger than {_LIMIT_BYTES} bytes."
                raise _refused(link, message, code="image_too_large")
    return ImagePart(kind, b64encode(data).decode())


def _refused(
    link: ImageLink, message: str, *, code: str = "invalid_image_url"
) -> InvalidRequestError:
    return InvalidRequestError(message, code=code, param=link.param)
