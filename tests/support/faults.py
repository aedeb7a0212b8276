"""What can go wrong at a model server, drawn from a seed so that it can be had again.

What befalls a request depends on the seed and on the request's own name, never on when it comes:
requests that run side by side meet the same faults in every run. A request's name stands in its
prompt, as ``(request 17)``; what has none is answered well.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
from dataclasses import replace
from enum import Enum, auto
from random import Random  # noqa: TID251 - seeded: chance that can be repeated
from typing import TYPE_CHECKING

from tests.support import fake_ollama_answers as answers
from tests.support.fake_ollama_http import NDJSON, Ending, Flood, Framing, Piece, Reply

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tests.support.fake_ollama_http import Request


class Fault(Enum):
    """What happens to one request."""

    NONE = auto()
    # The answer comes whole, in odd pieces or late.
    SPLIT = auto()
    LATE = auto()
    # Before the first byte.
    CLOSED = auto()
    RESET = auto()
    SILENT = auto()
    # After the first tokens.
    RESET_MIDWAY = auto()
    TORN = auto()
    STALLED = auto()
    # A clean end before the answer is complete.
    CUT = auto()
    ERROR_FIRST = auto()
    ERROR_MIDWAY = auto()
    GARBAGE = auto()
    NOT_UTF8 = auto()
    FLOOD = auto()
    NOT_HTTP = auto()
    COMPRESSED = auto()
    REDIRECT = auto()
    BUSY = auto()
    BROKEN = auto()


HARMLESS = frozenset({Fault.NONE, Fault.SPLIT, Fault.LATE})
FLOOD_BYTES = 100 * 1024 * 1024

_NAME = re.compile(rb"\(request ([\w-]+)\)")
_WORDS = ("sea", " salt", " wörter", " 🦀", "\n", ' "quoted"', " \\", " \u2028", " more", "  ")
_VARIABLE = "FAULT_SEED"


def chosen_seed() -> str:
    """Return the seed of this run: that of ``FAULT_SEED``, or a new one.

    Print it: setting the variable to it plays the same faults again.
    """
    return os.environ.get(_VARIABLE) or os.urandom(4).hex()


def named(name: str, text: str = "Say something.") -> str:
    """Return a prompt under which a request's name is known."""
    return f"{text} (request {name})"


class Faults:
    """Decides what befalls each request; the ``mischief`` of a ``FakeOllama``.

    Args:
        seed: of everything that is drawn.
        kinds: what may happen.
        share: of the requests, to which anything but ``Fault.NONE`` happens.
        canary: where redirects lead.
    """

    def __init__(
        self,
        seed: str,
        kinds: Collection[Fault] = tuple(Fault),
        share: float = 1.0,
        canary: str = "http://127.0.0.1:9/",
    ) -> None:
        self.seed = seed
        self._kinds = sorted(kinds, key=lambda kind: kind.value)
        self._share = share
        self._canary = canary

    def __call__(self, request: Request, reply: Reply) -> Reply:
        """Return what ``request`` is answered with in place of ``reply``."""
        found = _NAME.findall(request.body)
        if not found:
            return reply
        # Before the last one stands what was said earlier in a conversation.
        name = found[-1].decode()
        return self._befall(name, self._whole(name, request, reply))

    def fault(self, name: str) -> Fault:
        """Return what befalls the request of this name."""
        chance = Random(f"{self.seed}/{name}/fault")  # noqa: S311 - it is no secret
        if chance.random() >= self._share:
            return Fault.NONE
        return chance.choice(self._kinds)

    def tokens(self, name: str) -> Sequence[str]:
        """Return what a model says to the request of this name."""
        chance = self._chance(name)
        return [chance.choice(_WORDS) for _ in range(chance.randint(2, 12))]

    def text(self, name: str) -> str:
        """Return all of what a model says to the request of this name."""
        return "".join(self.tokens(name))

    def _chance(self, name: str) -> Random:
        return Random(f"{self.seed}/{name}")  # noqa: S311 - it is no secret

    def _whole(self, name: str, request: Request, reply: Reply) -> Reply:
        tokens = self.tokens(name)
        done = answers.done_line(completion=len(tokens))
        match request.path:
            case "/api/chat":
                return answers.streamed(*map(answers.text_line, tokens), done)
            case "/api/generate":
                lines = (answers.encoded({"response": text}) + b"\n" for text in tokens)
                return answers.streamed(*lines, done)
            case _:
                data = b"".join(piece for piece in reply.pieces if isinstance(piece, bytes))
                return answers.streamed(*answers.in_pieces(data, max(1, len(data) // 3)))

    def _befall(self, name: str, whole: Reply) -> Reply:  # noqa: C901, PLR0911, PLR0912 - a table
        chance = self._chance(name)
        half = whole.pieces[: chance.randint(1, len(whole.pieces) - 1)]
        match self.fault(name):
            case Fault.NONE:
                return whole
            case Fault.SPLIT:
                return replace(whole, pieces=_split(whole, chance), framing=Framing.RAW)
            case Fault.LATE:
                return replace(whole, pieces=(_later(chance.uniform(0.01, 0.1)), *whole.pieces))
            case Fault.CLOSED:
                return answers.streamed(ending=Ending.CUT)
            case Fault.RESET:
                return answers.streamed(ending=Ending.RESET)
            case Fault.SILENT:
                return answers.streamed(ending=Ending.HANG)
            case Fault.RESET_MIDWAY:
                return replace(whole, pieces=half, ending=Ending.RESET)
            case Fault.TORN:
                return replace(whole, pieces=half, ending=Ending.CUT)
            case Fault.STALLED:
                return replace(whole, pieces=half, ending=Ending.HANG)
            case Fault.CUT:
                return replace(whole, pieces=half)
            case Fault.ERROR_FIRST:
                return answers.streamed(answers.error_line("something odd happened"))
            case Fault.ERROR_MIDWAY:
                return replace(whole, pieces=(*half, b"\n" + answers.error_line("an odd thing")))
            case Fault.GARBAGE:
                return replace(whole, pieces=(*half, b"\n<html>no</html>\n", *whole.pieces))
            case Fault.NOT_UTF8:
                broken = answers.text_line("?").replace(b"?", b"\xff\xfe")
                return replace(whole, pieces=(*half, b"\n" + broken, *whole.pieces))
            case Fault.FLOOD:
                return replace(whole, pieces=(*half, Flood(FLOOD_BYTES)))
            case Fault.NOT_HTTP:
                piece = b"220 mail.example ESMTP\r\n\r\n"
                return Reply((piece,), framing=Framing.RAW, ending=Ending.CUT)
            case Fault.COMPRESSED:
                headers = {**NDJSON, "content-encoding": "gzip"}
                return Reply((gzip.compress(b"a" * 2**20),), headers=headers)
            case Fault.REDIRECT:
                return Reply(status=307, headers={"location": self._canary}, pieces=(b"-",))
            case Fault.BUSY:
                text = "server busy, please try again.  maximum pending requests exceeded"
                return answers.failed(503, text)
            case Fault.BROKEN:
                return answers.failed(500, "something odd happened")


def _later(seconds: float) -> asyncio.Event:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, gate.set)
    return gate


def _split(whole: Reply, chance: Random) -> tuple[Piece, ...]:
    """Return the bytes of an answer, head and all, cut anywhere."""
    data = b"".join(whole.framed(piece) for piece in whole.pieces if isinstance(piece, bytes))
    data = whole.head + data + whole.tail
    cuts = sorted(chance.sample(range(1, len(data)), 20))
    return tuple(data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True))
