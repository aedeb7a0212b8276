"""The tokens by which a model was taught to fill a hole in a text, as its file names them.

The engine knows them, too, but does not tell. What is a mark is as in llama.cpp
(`src/llama-vocab.cpp`); the form of the file is GGUF's (`docs/gguf.md`).
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands before the text before the hole, before that after it, and before the answer."""

    prefix: int
    suffix: int
    middle: int


_VOCABULARY = b"tokenizer.ggml.tokens"
_KEYS = (
    (
        b"tokenizer.ggml.fim_pre_token_id",
        b"tokenizer.ggml.fim_suf_token_id",
        b"tokenizer.ggml.fim_mid_token_id",
    ),
    (
        b"tokenizer.ggml.prefix_token_id",
        b"tokenizer.ggml.suffix_token_id",
        b"tokenizer.ggml.middle_token_id",
    ),
)
_WORDS = tuple(
    tuple(word.encode() for word in family.split(" "))
    for family in (
        "<|fim_prefix|> <|fim_suffix|> <|fim_middle|>",
        "<fim_prefix> <fim_suffix> <fim_middle>",
        "<fim-prefix> <fim-suffix> <fim-middle>",
        "<｜fim▁begin｜> <｜fim▁hole｜> <｜fim▁end｜>",  # noqa: RUF001 - DeepSeek's own signs
        "▁<PRE> ▁<SUF> ▁<MID>",
        "<PRE> <SUF> <MID>",
        "<|code_prefix|> <|code_suffix|> <|code_middle|>",
        "<|prefix|> <|suffix|> <|middle|>",
    )
)

_HEAD = struct.Struct("<4sIQQ")
_KIND = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
_LIST_HEAD = struct.Struct("<IQ")
_ID, _TEXT, _LIST = 4, 8, 9
_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def read(path: Path) -> Marks | None:
    """Return the marks of a model; None if it has none, or its file is of an unknown form."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            found = _scan(_Reader(data))
        except (struct.error, KeyError):
            return None
    for names in (*_KEYS, *_WORDS):
        if all(name in found for name in names):
            return Marks(*(found[name] for name in names))
    return None


def _scan(reader: _Reader) -> Mapping[bytes, int]:
    """Return the tokens that are called a mark, by key or by word."""
    keys = {key for keys in _KEYS for key in keys}
    words = {word for words in _WORDS for word in words}
    found: dict[bytes, int] = {}
    *_, count = reader.numbers(_HEAD)
    for _ in range(count):
        key = reader.text()
        (kind,) = reader.numbers(_KIND)
        if kind == _ID and key in keys:
            (found[key],) = reader.numbers(_KIND)
        elif kind == _LIST and key == _VOCABULARY:
            texts = enumerate(reader.texts())
            found |= {word: place for place, word in texts if word in words}
        else:
            reader.skip(kind)
    return found


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._place = 0

    def numbers(self, shape: struct.Struct) -> tuple[int, ...]:
        values = shape.unpack_from(self._data, self._place)
        self._place += shape.size
        return values

    def text(self) -> bytes:
        (length,) = self.numbers(_LENGTH)
        begin = self._place
        self._place += length
        return self._data[begin : self._place]

    def texts(self) -> Iterator[bytes]:
        _, count = self.numbers(_LIST_HEAD)
        for _ in range(count):
            yield self.text()

    def skip(self, kind: int) -> None:
        if kind == _TEXT:
            self.text()
        elif kind == _LIST:
            self._skip_list()
        else:
            self._place += _BYTES[kind]

    def _skip_list(self) -> None:
        kind, count = _LIST_HEAD.unpack_from(self._data, self._place)
        if kind == _TEXT:
            for _ in self.texts():
                pass
        else:
            self._place += _LIST_HEAD.size + count * _BYTES[kind]
