"""Tokens back to text."""

from __future__ import annotations

import base64
import gzip
import sys
from typing import TYPE_CHECKING

import pytest

from adapters.vocabulary import PackagedVocabularies, TokenTable
from application.tokens import TokenTexts, encoding_of
from domain.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TABLE = TokenTable({0: b"Hel", 1: b"lo", 2: "ö".encode()[:1], 3: "ö".encode()[1:]})


class Vocabularies:
    """Vocabularies by encoding; remembers what was asked for."""

    def __init__(self, **tables: TokenTable) -> None:
        self.tables = tables
        self.asked: list[str] = []

    async def load(self, encoding: str) -> TokenTable | None:
        self.asked.append(encoding)
        return self.tables.get(encoding)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install a distribution with one small vocabulary."""
    data = tmp_path / "words" / "data"
    data.mkdir(parents=True)
    lines = [b"%b %d" % (base64.b64encode(text), number) for number, text in TABLE.tokens.items()]
    (data / "cl100k_base.tiktoken.gz").write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    info = tmp_path / "words-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: words\nVersion: 1\n")
    (info / "RECORD").write_text(
        "words/data/cl100k_base.tiktoken.gz,,\nwords/data/o200k_base.tiktoken.gz,,\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return "words"


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("text-embedding-3-small", "cl100k_base"),
        ("nomic-embed-text", "cl100k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("o3-mini", "o200k_base"),
    ],
)
def test_the_models_name_tells_the_encoding(model: str, encoding: str) -> None:
    assert encoding_of(model) == encoding


async def test_texts_need_no_vocabulary() -> None:
    vocabularies = Vocabularies()

    assert await TokenTexts(vocabularies).read(["a", ""], "m", "input") == ("a", "")
    assert vocabularies.asked == []


async def test_tokens_are_read_with_the_encoding_of_the_model() -> None:
    vocabularies = Vocabularies(o200k_base=TABLE)
    inputs: list[Sequence[int]] = [[0, 1], [2, 3], []]

    assert await TokenTexts(vocabularies).read(inputs, "gpt-4o", "input") == ("Hello", "ö", "")
    assert vocabularies.asked == ["o200k_base"]


async def test_without_a_vocabulary_the_error_names_the_clients_setting() -> None:
    with pytest.raises(InvalidRequestError, match="check_embedding_ctx_length=False") as caught:
        await TokenTexts(Vocabularies()).read([[1]], "m", "input")

    assert (caught.value.code, caught.value.param) == ("tokens_not_supported", "input")


async def test_a_token_of_no_vocabulary_is_refused() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await TokenTexts(Vocabularies(cl100k_base=TABLE)).read(["a", [99]], "m", "prompt")

    assert (caught.value.code, caught.value.param) == ("invalid_token", "prompt")


async def test_a_packages_vocabulary_is_read_from_its_file(package: str) -> None:
    table = await PackagedVocabularies(package).load("cl100k_base")

    assert table is not None
    assert table.text([0, 1, 2, 3, 100257]) == "Helloö<|endoftext|>"
    assert table.text([0, 2]) == "Hel\ufffd"


async def test_a_vocabulary_is_read_once(package: str) -> None:
    vocabularies = PackagedVocabularies(package)

    assert await vocabularies.load("cl100k_base") is await vocabularies.load("cl100k_base")


@pytest.mark.parametrize("encoding", ["o200k_base", "p50k_base"])
async def test_a_file_that_is_not_there_is_no_vocabulary(package: str, encoding: str) -> None:
    assert await PackagedVocabularies(package).load(encoding) is None


async def test_a_package_that_is_not_installed_has_none() -> None:
    assert await PackagedVocabularies("no-such-package").load("cl100k_base") is None


async def test_openais_vocabularies_read_what_their_tokeniser_wrote() -> None:
    texts = TokenTexts(PackagedVocabularies())

    older, newer = [15339, 289, 9603, 509, 62904, 233], [24912, 286, 2877, 582, 61138, 233]

    assert await texts.read([older], "text-embedding-3-small", "input") == ("hello wörld 👋",)
    assert await texts.read([newer], "gpt-4o", "input") == ("hello wörld 👋",)
