"""Exchanges with Ollama as data files, each the exact bytes of a body."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from tests.support.fake_ollama_http import Ending, Reply

_FOLDER = Path(__file__).parent.parent / "transcripts"


class Transcript(msgspec.Struct, frozen=True):
    """An exchange; ``outcome`` is what a client must make of it."""

    name: str
    method: str
    path: str
    status: int
    content_type: str
    body_end: Literal["clean", "reset"]
    outcome: Literal["ok", "http_error", "stream_error", "truncated"]
    response: str
    request: str | None = None

    @property
    def body(self) -> bytes:
        """The bytes of the answer's body."""
        return (_FOLDER / self.response).read_bytes()

    @property
    def request_body(self) -> bytes:
        """The bytes of the request's body; empty where there was none."""
        return (_FOLDER / self.request).read_bytes() if self.request else b""

    def reply(self, *, pieces: tuple[bytes, ...] | None = None) -> Reply:
        """Return the answer as ``FakeOllama`` sends it, in one piece or in these."""
        body = self.body
        return Reply(
            pieces if pieces is not None else (body,) if body else (b"",),
            self.status,
            {"content-type": self.content_type},
            Ending.CLEAN if self.body_end == "clean" else Ending.RESET,
        )


class _Index(msgspec.Struct):
    entries: list[Transcript]


@cache
def _all() -> tuple[Transcript, ...]:
    index = msgspec.json.decode((_FOLDER / "index.json").read_bytes(), type=_Index)
    return tuple(index.entries)


def entries(path: str = "/api/chat") -> tuple[Transcript, ...]:
    """Return the exchanges of a path, in the order of the index."""
    return tuple(entry for entry in _all() if entry.path == path)


def named(name: str) -> Transcript:
    """Return one exchange."""
    return next(entry for entry in _all() if entry.name == name)
