"""Fetching images, against servers on this machine and names that point inwards."""

from __future__ import annotations

import base64

import pytest

from adapters.images import GuardedImages, is_public
from domain.errors import InvalidRequestError
from domain.messages import ImageLink, ImagePart
from tests.support.raw_server import RawConnection, raw_server

PARAM = "messages[0].content[0].image_url.url"
PNG = b"\x89PNG\r\n\x1a\n and more"


def answer(*headers: str, body: bytes = PNG, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def fetched(reply: bytes, *, host: str = "localhost") -> tuple[ImagePart | str, bytes]:
    """Return the image, or the code of its refusal, and the request that asked for it."""
    requests: list[bytes] = []

    async def script(connection: RawConnection) -> None:
        requests.append(await connection.request())
        await connection.send(reply)

    async with raw_server(script) as server:
        images = GuardedImages({"localhost"}, allows=lambda _: True, scheme="http")
        link = ImageLink(f"http://{host}:{server.port}/a.png?b=c", PARAM)
        try:
            return await images.fetch(link), b"".join(requests)
        except InvalidRequestError as error:
            return f"{error.code} at {error.param}", b"".join(requests)


async def test_an_image_of_an_allowed_host_is_fetched() -> None:
    image, request = await fetched(answer("Content-Type: image/png"))

    assert image == ImagePart("image/png", base64.b64encode(PNG).decode())
    assert request.startswith(b"GET /a.png?b=c HTTP/1.1\r\nhost: localhost:")
    for secret in (b"cookie", b"authorization", b"referer"):
        assert secret not in request.lower()


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        pytest.param(answer("Content-Type: text/html"), "invalid_image_format", id="a page"),
        pytest.param(
            answer("Location: http://127.0.0.1/", status="302 Found"),
            "invalid_image_url",
            id="a redirect",
        ),
        pytest.param(answer(status="404 Not Found"), "invalid_image_url", id="nothing there"),
        pytest.param(
            answer("Content-Type: image/png", "Content-Encoding: gzip"),
            "invalid_image_url",
            id="compressed",
        ),
        pytest.param(
            answer("Content-Type: image/png", body=b"x" * (11 << 20)), "image_too_large", id="large"
        ),
        pytest.param(b"", "invalid_image_url", id="silence"),
    ],
)
async def test_what_is_no_image_is_refused(reply: bytes, code: str) -> None:
    refusal, request = await fetched(reply)

    assert refusal == f"{code} at {PARAM}"
    assert request.count(b"GET ") == 1


async def test_another_host_is_not_asked() -> None:
    refusal, request = await fetched(answer("Content-Type: image/png"), host="127.0.0.1")

    assert (refusal, request) == (f"invalid_image_url at {PARAM}", b"")


@pytest.mark.parametrize(
    "url",
    [
        "https://user@images.example/a.png",
        "https://images.example.evil.example/a.png",
        "http://images.example/a.png",
        "https://127.0.0.1/a.png",
        "https://2130706433/a.png",
        "https://0x7f000001/a.png",
        "https://[::ffff:127.0.0.1]/a.png",
        "https:///a.png",
        "https://images.example:bad/",
    ],
)
async def test_an_address_that_is_not_on_the_list_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await GuardedImages({"images.example"}).fetch(ImageLink(url, PARAM))

    assert (caught.value.code, caught.value.param) == ("invalid_image_url", PARAM)


async def test_a_listed_name_that_points_inwards_is_not_connected_to() -> None:
    asked: list[bytes] = []

    async def script(connection: RawConnection) -> None:
        asked.append(await connection.request())

    async with raw_server(script) as server:
        images = GuardedImages({"localhost", "127.0.0.1"}, scheme="http")
        for host in ("localhost", "127.0.0.1"):
            with pytest.raises(InvalidRequestError):
                await images.fetch(ImageLink(f"http://{host}:{server.port}/", PARAM))

    assert asked == []
    assert server.connections == 0


async def test_with_no_hosts_the_setting_is_named() -> None:
    with pytest.raises(InvalidRequestError, match="IMAGE_URL_HOSTS"):
        await GuardedImages(()).fetch(ImageLink("https://images.example/a.png", PARAM))


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104 - an address that must be refused
        ("224.0.0.1", False),
        ("100.64.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:a00:1::1", False),
        ("::10.0.0.1", False),
        ("::ffff:0:10.0.0.1", False),
        ("fec0::1", False),
        ("64:ff9b::5db8:d822", True),
    ],
)
def test_only_addresses_outside_are_public(address: str, public: bool) -> None:  # noqa: FBT001
    assert is_public(address) is public
