"""Bodies that come compressed."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import zstandard

from tests.support.responses import PATH, message, response
from tests.support.service import ASK, CHAT, service_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fake_llm import FakeLLM
    from tests.support.service import Service

BODY = json.dumps({"input": "Hi", "store": True}).encode()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def streamed(data: bytes) -> bytes:
    """Compress as clients do that do not know the length."""
    compressor = zstandard.ZstdCompressor(level=19).compressobj()
    return compressor.compress(data) + compressor.flush()


def in_frames(data: bytes) -> bytes:
    return zstd(data[:5]) + zstd(data[5:])


WAYS = [
    pytest.param("gzip", gzip.compress, id="gzip"),
    pytest.param("x-gzip", gzip.compress, id="x-gzip"),
    pytest.param("zstd", zstd, id="zstd"),
    pytest.param("ZSTD", streamed, id="zstd of unknown length"),
    pytest.param("zstd", in_frames, id="zstd in frames"),
    pytest.param("identity", bytes, id="identity"),
]
# Inflates to a little more than is taken.
BOMB = b'{"input":"' + b" " * 5000 + b'"}'


@pytest.mark.parametrize(("encoding", "compress"), WAYS)
async def test_a_compressed_body_is_read(
    service: Service, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    answer = await service.ask(compress(BODY), PATH, {"content-encoding": encoding})

    assert answer.json == response(message())


async def test_every_endpoint_takes_them(service: Service) -> None:
    body = zstd(json.dumps(ASK).encode())

    answer = await service.ask(body, CHAT, {"content-encoding": "zstd"})

    assert (answer.status, answer.json["object"]) == (200, "chat.completion")


@pytest.mark.parametrize(("encoding", "compress"), WAYS)
async def test_what_inflates_to_too_much_is_refused(
    llm: FakeLLM, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    async with service_of(llm, max_body_bytes=5000) as service:
        answer = await service.ask(compress(BOMB), PATH, {"content-encoding": encoding})

    assert (answer.status, answer.json["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, zstd"])
async def test_other_ways_are_not_known(service: Service, encoding: str) -> None:
    answer = await service.ask(BODY, PATH, {"content-encoding": encoding})

    assert (answer.status, answer.headers["accept-encoding"]) == (415, "gzip, x-gzip, zstd")
    assert "zstd" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", BODY, id="not gzip"),
        pytest.param("gzip", gzip.compress(BODY)[:-5], id="gzip that was cut"),
        pytest.param("gzip", gzip.compress(BODY) + b"more", id="more than gzip"),
        pytest.param("zstd", BODY, id="not zstd"),
        pytest.param("zstd", zstd(BOMB)[:-5], id="zstd that was cut"),
        pytest.param(
            "zstd",
            b"\x28\xb5\x2f\xfd\x00\x88" + zstd(BODY)[6:],
            id="zstd that wants memory",
        ),
    ],
)
async def test_what_is_not_compressed_so_is_refused(
    service: Service, encoding: str, body: bytes
) -> None:
    answer = await service.ask(body, PATH, {"content-encoding": encoding})

    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_encoding")


async def test_zstd_that_was_cut_in_its_middle_is_no_json(service: Service) -> None:
    answer = await service.ask(zstd(BODY)[:-5], PATH, {"content-encoding": "zstd"})

    assert (answer.status, answer.json["error"]["code"]) == (400, "invalid_json")
