from __future__ import annotations

from base64 import b64encode

import pytest

from domain.errors import InvalidRequestError
from domain.messages import ImageLink, ImagePart
from entrypoints.http.openai.images import image

PARAM = "messages[0].content[1].image_url.url"
HEADS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/jpg": b"\xff\xd8\xff",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP",
    "image/bmp": b"BM",
}
GIF = b64encode(HEADS["image/gif"] + bytes(40)).decode()


@pytest.mark.parametrize("kind", HEADS)
def test_a_data_url_becomes_an_image(kind: str) -> None:
    text = b64encode(HEADS[kind] + bytes(100)).decode()

    assert image(f"data:{kind};base64,{text}", PARAM) == ImagePart(kind, text)


def test_the_type_may_be_in_capitals() -> None:
    assert image(f"data:IMAGE/GIF;base64,{GIF}", PARAM) == ImagePart("image/gif", GIF)


@pytest.mark.parametrize("url", ["http://a/b.png", "https://a/b", "HTTPS://A/b"])
def test_an_address_is_a_link(url: str) -> None:
    assert image(url, PARAM) == ImageLink(url, PARAM)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        pytest.param("", "invalid_image_url", id="empty"),
        pytest.param("file:///etc/passwd", "invalid_image_url", id="file"),
        pytest.param("gopher://a/b", "invalid_image_url", id="gopher"),
        pytest.param("ftp://a/b.png", "invalid_image_url", id="ftp"),
        pytest.param("//a/b.png", "invalid_image_url", id="no scheme"),
        pytest.param(f"data:image/gif,{GIF}", "invalid_image_url", id="no base64"),
        pytest.param(f"data:;base64,{GIF}", "invalid_image_format", id="no type"),
        pytest.param(f"data:image/tiff;base64,{GIF}", "invalid_image_format", id="tiff"),
        pytest.param(f"data:image/svg+xml;base64,{GIF}", "invalid_image_format", id="svg"),
        pytest.param(f"data:text/html;base64,{GIF}", "invalid_image_format", id="text"),
        pytest.param(f"data:image/png;base64,{GIF}", "invalid_image_format", id="another type"),
        pytest.param("data:image/png;base64,", "invalid_image_format", id="nothing"),
        pytest.param("data:image/gif;base64,!!!!", "invalid_base64_image", id="no alphabet"),
        pytest.param(f"data:image/gif;base64,{GIF}=", "invalid_base64_image", id="padding"),
        pytest.param(f"data:image/gif;base64,{GIF[:-1]}", "invalid_base64_image", id="cut"),
        pytest.param(f"data:image/gif;base64,{GIF[:40]}\n{GIF}", "invalid_base64_image", id="line"),
        pytest.param(f"data:image/gif;base64,{GIF}é", "invalid_base64_image", id="non-ASCII"),
        pytest.param("data:image/gif;base64,é" + GIF, "invalid_base64_image", id="early"),
    ],
)
def test_anything_else_is_refused(url: str, code: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        image(url, PARAM)

    assert (caught.value.code, caught.value.param) == (code, PARAM)
    assert PARAM in caught.value.message
    assert GIF not in caught.value.message
