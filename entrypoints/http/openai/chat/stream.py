"""Domain events to the SSE records of Chat Completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, TextRun, ToolCallDelta
from entrypoints.http import sse
from entrypoints.http.openai.chat import answer, render, wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.generation import Generation
    from domain.chat import TokenLogprob, Usage
    from entrypoints.http.errors import Envelope

_encode = msgspec.json.Encoder().encode
_MARK = "\x00text\x00"
_DONE = b"data: [DONE]\n\n"


class ChatSSEEncoder:
    """Events in, bytes out; one instance per answer."""

    def __init__(self, generation: Generation, body: wire.ChatCompletionRequest) -> None:
        self._old = bool(body.functions)
        self._with_usage = bool(body.stream_options and body.stream_options.include_usage)
        self._logprobs = bool(body.logprobs)
        self._generation = generation
        self._n = body.n or 1
        self._used: list[Usage] = []
        self._started = False
        # All plain text chunks of a choice differ in their text alone.
        self._around = [self._split(index) for index in range(self._n)]

    def feed(self, index: int, events: Sequence[ChatEvent]) -> bytes:
        """Return the records of a choice's ``events``; the first brings the roles with it."""
        out: list[bytes] = []
        if not self._started:
            self._started = True
            # Clients want choice 0 first, whichever choice has the first token.
            opening = answer.Delta(role="assistant", content="", refusal=None)
            out += (self._record(i, opening) for i in range(self._n))
        before, after = self._around[index]
        for event in events:
            if isinstance(event, TextRun):
                out += (before, (after + before).join(map(_encode, event.pieces)), after)
            elif isinstance(event, TextDelta) and not event.logprobs:
                out += (before, _encode(event.text), after)
            else:
                out.append(self._other(index, event))
        if len(self._used) == self._n:
            out.append(self._end())
        return b"".join(out)

    def fail(self, shown: Envelope) -> bytes:
        """Return the record that official clients raise; no ``[DONE]`` follows a failure."""
        return sse.failure(shown)

    def _other(
        self, index: int, event: TextDelta | ReasoningDelta | ToolCallDelta | Finished
    ) -> bytes:
        match event:
            case TextDelta(text, logprobs):
                return self._record(index, answer.Delta(content=text), logprobs=logprobs)
            case ReasoningDelta(text):
                return self._record(index, answer.Delta(reasoning_content=text, reasoning=text))
            case ToolCallDelta():
                return self._record(index, self._call(event))
            case Finished(reason, usage):
                self._used.append(usage)
                word = render.finish_reason(reason, old=self._old)
                return self._record(index, answer.Delta(), reason=word)

    def _call(self, call: ToolCallDelta) -> answer.Delta:
        function = answer.DeltaFunction(UNSET if call.name is None else call.name, call.arguments)
        if self._old:
            return answer.Delta(function_call=function)
        entry = answer.DeltaToolCall(call.index, function)
        if call.id is not None:
            entry.id, entry.type = call.id, "function"
        return answer.Delta(tool_calls=[entry])

    def _end(self) -> bytes:
        if not self._with_usage:
            return _DONE
        chunk = self._chunk([])
        chunk.usage = render.usage(self._used)
        return b"data: " + _encode(chunk) + b"\n\n" + _DONE

    def _record(
        self,
        index: int,
        delta: answer.Delta,
        *,
        reason: str | None = None,
        logprobs: Sequence[TokenLogprob] = (),
    ) -> bytes:
        choice = answer.ChunkChoice(index, delta, finish_reason=reason)
        if logprobs:
            choice.logprobs = render.choice_logprobs(logprobs)
        return b"data: " + _encode(self._chunk([choice])) + b"\n\n"

    def _chunk(self, choices: list[answer.ChunkChoice]) -> answer.ChatCompletionChunk:
        return answer.ChatCompletionChunk(
            id=self._generation.id,
            created=self._generation.created,
            model=self._generation.model,
            system_fingerprint=render.FINGERPRINT,
            choices=choices,
            usage=None if self._with_usage else UNSET,
        )

    def _split(self, index: int) -> tuple[bytes, bytes]:
        # The last mark is the content: the caller chose the model's name, too.
        before, _, after = self._record(index, answer.Delta(content=_MARK)).rpartition(
            _encode(_MARK)
        )
        return before, after
