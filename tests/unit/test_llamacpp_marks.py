"""Which tokens of a GGUF file mark a hole in a text."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from adapters.llamacpp import marks, model_file
from adapters.llamacpp.marks import Marks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IDS = ["tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.fim_suf_token_id"]
MIDDLE = "tokenizer.ggml.fim_mid_token_id"
OLD_IDS = [f"tokenizer.ggml.{part}_token_id" for part in ("prefix", "suffix", "middle")]
QWEN = ["<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>"]


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key: str, value: str | int | Sequence[str]) -> bytes:
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", 4, value)
    return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))


def file(*entries: bytes) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", 3, 0, len(entries)) + b"".join(entries)


def vocabulary(*words: str) -> bytes:
    return entry("tokenizer.ggml.tokens", words)


OTHERS = (
    entry("general.name", "A model"),
    text("llama.rope.freq_base") + struct.pack("<If", 6, 1.0),
    text("tokenizer.ggml.token_type") + struct.pack("<IIQ3i", 9, 5, 3, 1, 2, 3),
    entry("tokenizer.ggml.merges", ["a b", "b c"]),
)


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        pytest.param([vocabulary("a", *QWEN, "b")], Marks(1, 3, 2), id="words"),
        pytest.param(
            [vocabulary("<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>")],  # noqa: RUF001 - DeepSeek's own signs
            Marks(1, 0, 2),
            id="DeepSeek's words",
        ),
        pytest.param(
            [entry(key, place) for place, key in enumerate([*IDS, MIDDLE], 7)],
            Marks(7, 8, 9),
            id="keys",
        ),
        pytest.param(
            [entry(key, place) for place, key in enumerate(OLD_IDS, 7)], Marks(7, 8, 9), id="old"
        ),
        pytest.param(
            [vocabulary(*QWEN), *(entry(key, 5) for key in (*IDS, MIDDLE))],
            Marks(5, 5, 5),
            id="keys first",
        ),
        pytest.param([vocabulary("a", *QWEN[:2])], None, id="two of three"),
        pytest.param([vocabulary("<fim_prefix>", *QWEN[1:])], None, id="of two families"),
        pytest.param([entry(key, 5) for key in IDS], None, id="two keys of three"),
        pytest.param([], None, id="none"),
        pytest.param([text("new.key") + struct.pack("<I", 99)], None, id="unknown kind"),
        pytest.param([text("cut.key")], None, id="cut"),
    ],
)
def test_marks_are_found_by_key_or_by_word(
    tmp_path: Path, entries: list[bytes], found: Marks | None
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(file(*OTHERS, *entries))

    assert marks.read(path) == found


def test_the_bundled_model_has_none() -> None:
    assert marks.read(model_file.locate(None)) is None
