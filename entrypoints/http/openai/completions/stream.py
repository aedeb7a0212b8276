"""Domain events to the SSE records of legacy completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.chat import Usage
from domain.events import ChatEvent, Finished, TextDelta, TextRun
from entrypoints.http import sse
from entrypoints.http.openai.completions import render, wire
from entrypoints.http.openai.completions.logprobs import LegacyLogprobs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.generation import Generation
    from domain.chat import TokenLogprob
    from entrypoints.http.errors import Envelope

_encode = msgspec.json.Encoder().encode
_MARK = "\x00text\x00"
_DONE = b"data: [DONE]\n\n"


class CompletionSSEEncoder:
    """Events in, bytes out; one instance per answer.

    Args:
        generation: what identifies the answer.
        n: completions of each prompt.
        total: completions of all prompts.
        with_usage: a last record counts the tokens.
    """

    def __init__(self, generation: Generation, n: int, total: int, *, with_usage: bool) -> None:
        self._generation = generation
        self._n = n
        self._with_usage = with_usage
        self._used: list[Usage | None] = [None] * total
        self._left = total
        self._logprobs = [LegacyLogprobs() for _ in range(total)]
        # All plain records of a choice differ in their text alone.
        self._around = [self._split(index) for index in range(total)]

    def feed(self, index: int, events: Sequence[ChatEvent]) -> bytes:
        """Return the records of a choice's ``events``."""
        out: list[bytes] = []
        before, after = self._around[index]
        for event in events:
            match event:
                case TextRun(pieces):
                    out += (before, (after + before).join(map(_encode, pieces)), after)
                case TextDelta(text, ()):
                    out += (before, _encode(text), after)
                case TextDelta(text, logprobs):
                    out.append(self._record(index, text, logprobs=logprobs))
                case Finished(reason, used):
                    self._used[index] = used
                    self._left -= 1
                    out.append(self._record(index, "", reason=reason.value))
                case _:
                    # A bare prompt brings neither reasoning nor calls.
                    pass
        if not self._left:
            out.append(self._end())
        return b"".join(out)

    def fail(self, shown: Envelope) -> bytes:
        """Return the record that official clients raise; no ``[DONE]`` follows a failure."""
        return sse.failure(shown)

    def _end(self) -> bytes:
        if not self._with_usage:
            return _DONE
        chunk = self._chunk([])
        chunk.usage = render.usage(self._total())
        return b"data: " + _encode(chunk) + b"\n\n" + _DONE

    def _total(self) -> Usage:
        used = [one for one in self._used if one is not None]
        # The completions of a prompt share it: it counts once.
        firsts = used[:: self._n]
        return Usage(
            sum(one.prompt_tokens for one in firsts), sum(one.completion_tokens for one in used)
        )

    def _record(
        self,
        index: int,
        text: str,
        *,
        reason: str | None = None,
        logprobs: Sequence[TokenLogprob] = (),
    ) -> bytes:
        rendered = self._logprobs[index].render(logprobs) if logprobs else None
        choice = wire.Choice(text, index, rendered, reason)
        return b"data: " + _encode(self._chunk([choice])) + b"\n\n"

    def _chunk(self, choices: list[wire.Choice]) -> wire.Completion:
        return wire.Completion(
            id=self._generation.id,
            created=self._generation.created,
            model=self._generation.model,
            choices=choices,
            usage=None if self._with_usage else UNSET,
        )

    def _split(self, index: int) -> tuple[bytes, bytes]:
        # The last mark is the text: the caller chose the model's name, too.
        before, _, after = self._record(index, _MARK).rpartition(_encode(_MARK))
        return before, after
