"""OpenAI's vocabularies of tokens, from the files of an installed package.

The package is never imported: its library, of 70 MB, encodes; to decode, the table is enough.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = "bpe-openai"

# tiktoken, `tiktoken_ext/openai_public.py`: tokens that stand in no file.
_SPECIAL: Mapping[str, Mapping[int, bytes]] = {
    "cl100k_base": {
        100257: b"<|endoftext|>",
        100258: b"<|fim_prefix|>",
        100259: b"<|fim_middle|>",
        100260: b"<|fim_suffix|>",
        100276: b"<|endofprompt|>",
    },
    "o200k_base": {199999: b"<|endoftext|>", 200018: b"<|endofprompt|>"},
}


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The bytes of each token."""

    tokens: Mapping[int, bytes]

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of ``tokens``; bytes that are cut off are marked as such."""
        return b"".join([self.tokens[token] for token in tokens]).decode("utf-8", "replace")


class PackagedVocabularies:
    """Vocabularies of a package, each read when first needed and kept.

    Args:
        package: a distribution with files such as ``cl100k_base.tiktoken.gz``: lines of a
            token's bytes in base64, a space and its number.
    """

    def __init__(self, package: str = PACKAGE) -> None:
        self._package = package
        self._tables: dict[str, TokenTable | None] = {}
        self._reading = asyncio.Lock()

    async def load(self, encoding: str) -> TokenTable | None:
        async with self._reading:
            if encoding not in self._tables:
                self._tables[encoding] = await asyncio.to_thread(self._read, encoding)
            return self._tables[encoding]

    def _read(self, encoding: str) -> TokenTable | None:
        path = _locate(self._package, f"{encoding}.tiktoken.gz")
        if path is None:
            return None
        table = _table(gzip.decompress(path.read_bytes()))
        return TokenTable({**table, **_SPECIAL[encoding]})


def _table(data: bytes) -> dict[int, bytes]:
    lines = (line.split() for line in data.splitlines() if line)
    return {int(number): base64.b64decode(token) for token, number in lines}


def _locate(package: str, name: str) -> Path | None:
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.name == name)
    return next((path for path in paths if path.is_file()), None)
