"""Fetching models into Ollama."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from adapters.ollama.library import OllamaLibrary, PullDecoder, pull_error
from adapters.transport.upstream import Upstream
from domain.errors import (
    InvalidRequestError,
    NotFoundError,
    ServiceError,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamUnavailableError,
)
from domain.models import PullProgress
from tests.support import fake_ollama_answers as answers
from tests.support.fake_ollama import FakeOllama

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from application.ports.library import LibraryPort
    from tests.support.fake_ollama_http import Reply

MODEL = "smollm2:135m"
MANIFEST = answers.encoded({"status": "pulling manifest"}) + b"\n"


@pytest.fixture
async def ollama() -> AsyncGenerator[FakeOllama]:
    async with FakeOllama() as server:
        yield server


@pytest.fixture
async def library(ollama: FakeOllama) -> AsyncGenerator[LibraryPort]:
    made = OllamaLibrary(Upstream(ollama.url))
    yield made
    await made.aclose()


async def pulled(library: LibraryPort, name: str = MODEL) -> list[PullProgress]:
    return [progress async for progress in library.pull(name)]


async def test_the_version_is_ollamas(library: LibraryPort) -> None:
    assert await library.version() == answers.VERSION


@pytest.mark.parametrize(
    "reply", [answers.plain("no JSON"), answers.plain("gone", 404), answers.answered([])]
)
async def test_a_server_that_tells_no_version_failed(
    ollama: FakeOllama, library: LibraryPort, reply: Reply
) -> None:
    ollama.script("/api/version", reply)

    with pytest.raises(UpstreamError):
        await library.version()


async def test_progress_comes_by_part_until_the_model_is_there(library: LibraryPort) -> None:
    part = f"sha256:{'a' * 64}"

    progress = await pulled(library)

    assert progress[:3] == [
        PullProgress("pulling manifest"),
        PullProgress(f"pulling {'a' * 12}", part, 2_000_000),
        PullProgress(f"pulling {'a' * 12}", part, 2_000_000, 2_000_000),
    ]
    assert progress[-1] == PullProgress("success")


async def test_a_model_that_is_nowhere_is_not_found(library: LibraryPort) -> None:
    with pytest.raises(NotFoundError) as caught:
        await pulled(library, "nope")

    assert caught.value.message.startswith("There is no model 'nope'")
    assert caught.value.code == "model_not_found"


async def test_a_refusal_before_the_body_is_told(ollama: FakeOllama, library: LibraryPort) -> None:
    ollama.script("/api/pull", answers.failed(400, "invalid model name"), answers.failed(500, "oh"))

    with pytest.raises(InvalidRequestError):
        await pulled(library)
    with pytest.raises(UpstreamError) as caught:
        await pulled(library)
    assert caught.value.message == "The model server failed (status 500)."


async def test_an_end_without_success_is_a_failure(
    ollama: FakeOllama, library: LibraryPort
) -> None:
    ollama.script("/api/pull", answers.streamed(MANIFEST, b'{"status":"verifying"}'))

    with pytest.raises(UpstreamProtocolError) as caught:
        await pulled(library)

    assert caught.value.code == "upstream_truncated"


async def test_who_leaves_stops_the_fetching(ollama: FakeOllama, library: LibraryPort) -> None:
    ollama.script("/api/pull", answers.streamed(MANIFEST, asyncio.Event()))

    async with aclosing(library.pull(MODEL)) as progresses:
        assert await anext(progresses) == PullProgress("pulling manifest")

    await ollama.hung_up()


async def test_a_server_that_is_not_there_is_told() -> None:
    library = OllamaLibrary(Upstream("http://127.0.0.1:1"))

    with pytest.raises(UpstreamUnavailableError):
        await pulled(library)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_may_be_cut_anywhere(size: int) -> None:
    data = MANIFEST + b'\n{"status":"success"}\n'
    decoder = PullDecoder(MODEL)

    told = [it for piece in answers.in_pieces(data, size) for it in decoder.feed(piece)]
    decoder.finish()

    assert told == [PullProgress("pulling manifest"), PullProgress("success")]


@pytest.mark.parametrize("line", [b"no JSON\n", b"[]\n", b'{"status":"\xff"}\n'])
def test_what_is_no_line_is_garbage(line: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        PullDecoder(MODEL).feed(line)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("pull model manifest: file does not exist", NotFoundError, "There is no model"),
        ('Get "https://a/v2/": dial tcp: lookup a: no such host', UpstreamError, "cannot reach"),
        ("write /x: no space left on device", UpstreamError, "no room"),
        ("pull model manifest: 401: unauthorized", UpstreamError, "may not fetch"),
        ("412: this model requires a newer version of Ollama", UpstreamError, "newer version"),
        ("something else", UpstreamError, "could not fetch the model"),
    ],
)
def test_ollamas_words_are_told_in_ours(text: str, kind: type[ServiceError], words: str) -> None:
    error = pull_error(text, MODEL)

    assert type(error) is kind
    assert words in error.message
    assert "/" not in error.message
