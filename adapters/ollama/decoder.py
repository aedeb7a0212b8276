"""Ollama's bytes to domain events."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from adapters.engines import decoding, failures
from adapters.engines.decoding import UNREADABLE
from adapters.ollama import wire
from adapters.ollama.errors import stream_error
from adapters.transport.ndjson import LineSplitter, split
from domain.chat import FinishReason, Usage
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, TextRun, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from adapters.engines.wire import TokenLogprob

_chat: msgspec.json.Decoder[wire.ChatLine] = msgspec.json.Decoder(wire.ChatLine)
_generated = msgspec.json.Decoder(wire.GenerateLine)
_strings = msgspec.json.Decoder(list[str])
_TEXT = rb'"([^"]++|[^"\\]*+(?:\\.[^"\\]*+)++)"'

# Escaped backslashes and whole pairs, which stay; then what is left of surrogates.
_SURROGATE = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


class ChatDecoder:
    """Bytes in, events out; one instance per response.

    Attributes:
        finished: the answer is complete.

    The rules of a stream are those of Ollama `server/routes.go`, ChatHandler: every
    line may carry anything, the one marked done too; an ``error`` line is the last; a body that
    ends without a done line is a failure, however clean its end.
    """

    # The request's field that holds what the model reads.
    _prompt = "messages"
    # What Ollama writes for a piece of text and nothing else.
    _plain = re.compile(rb'\{[^{]*+\{"role":"assistant","content":%b\},"done":false\}\n' % _TEXT)

    def __init__(self, new_call_id: Callable[[], str]) -> None:
        self._lines = LineSplitter()
        self._new_call_id = new_call_id
        self._calls = 0
        self._thinking_lines = 0
        self.finished = False

    def feed(self, data: bytes, out: list[ChatEvent]) -> None:
        """Put the events that ``data`` completes into ``out``; possibly none.

        Raises:
            UpstreamError: Ollama reported a failure inside the stream.
            UpstreamProtocolError: a line is not what Ollama documents.
        """
        if block := self._lines.feed(data):
            self._take(block, out)

    def finish(self, out: list[ChatEvent]) -> None:
        """Put the events of an unended last line into ``out``.

        Raises:
            UpstreamProtocolError: the body ended before the answer did.
        """
        if block := self._lines.finish():
            self._take(block, out)
        if not self.finished:
            raise failures.cut_short()

    def _take(self, block: bytes, out: list[ChatEvent]) -> None:
        # Nearly all lines are alike. To cut the texts out of them costs two thirds of decoding
        # the lines; whatever is not as it always is, and bad text, is left to the decoder.
        *plain, rest = self._plain.split(block)
        if plain and not any(plain[::2]):
            with suppress(*UNREADABLE):
                texts = _strings.decode(b'["%b"]' % b'","'.join(plain[1::2]))
                out.append(_text(texts))
                block = rest
        if block:
            self._take_any(block, out)

    def _take_any(self, block: bytes, out: list[ChatEvent]) -> None:
        texts: list[str] = []
        try:
            for line in self._decoded(block):
                message = line.message
                if (
                    message is not None
                    and message.content
                    and message.thinking is None
                    and message.tool_calls is None
                    and line.logprobs is None
                    and line.error is None
                    and line.done_reason is None
                    and not line.done
                ):
                    texts.append(message.content)
                    continue
                if texts:
                    out.append(_text(texts))
                    texts = []
                self._special(line, out)
                if self.finished:
                    break
        finally:
            if texts:
                out.append(_text(texts))

    def _decoded(self, block: bytes) -> Iterable[wire.ChatLine]:
        # All lines in one call cost half of what a call each does. It takes spaces and line feeds
        # for the same: where the counts differ, and where a line is bad, each is looked at.
        with suppress(*UNREADABLE):
            lines = self._decode_lines(block)
            if len(lines) == block.count(b"\n"):
                return lines
        return map(self._line, split(block))

    def _decode_lines(self, block: bytes) -> list[wire.ChatLine]:
        return _chat.decode_lines(block)

    def _decode(self, data: bytes) -> wire.ChatLine:
        return _chat.decode(data)

    def _line(self, data: bytes) -> wire.ChatLine:
        try:
            return self._decode(data)
        except UNREADABLE:
            return self._mended(data)

    def _special(self, line: wire.ChatLine, out: list[ChatEvent]) -> None:
        if line.error is not None:
            raise stream_error(line.error, self._prompt)
        if line.message is not None:
            self._add(line.message, line.logprobs, out)
        elif not line.done and not line.done_reason:
            raise failures.unreadable()
        if line.done or line.done_reason:
            out.append(self._finished(line))
            self.finished = True

    def _mended(self, data: bytes) -> wire.ChatLine:
        # Half a surrogate pair is no character, but what surrounds it is an answer.
        data = _SURROGATE.sub(lambda m: m[1] or rb"\ufffd", data)
        try:
            return self._decode(data)
        except UNREADABLE as error:
            raise failures.unreadable() from error

    def _add(
        self,
        message: wire.LineMessage,
        logprobs: list[TokenLogprob] | None,
        out: list[ChatEvent],
    ) -> None:
        if message.thinking:
            self._thinking_lines += 1
            out.append(ReasoningDelta(message.thinking))
        if logprobs:
            out.append(TextDelta(message.content or "", tuple(map(decoding.logprob, logprobs))))
        elif message.content:
            out.append(TextDelta(message.content))
        if message.tool_calls:
            out += map(self._call, message.tool_calls)

    def _call(self, call: wire.ToolCall) -> ToolCallDelta:
        # Numbered by arrival: some of Ollama's parsers give every call the index 0. Ids are
        # ours: Ollama's have 8 characters or none, and collide across long histories.
        index = self._calls
        self._calls += 1
        # Go writes null for a map that was never made.
        given = bytes(call.function.arguments)
        arguments = "{}" if given == b"null" else decoding.arguments(given)
        return ToolCallDelta(index, self._new_call_id(), call.function.name, arguments)

    def _finished(self, line: wire.ChatLine) -> Finished:
        if line.done_reason in ("load", "unload"):
            raise failures.unreadable()
        reason = FinishReason.STOP
        if line.done_reason == "length":
            reason = FinishReason.LENGTH
        elif self._calls:
            reason = FinishReason.TOOL_CALLS
        # There is no count of thinking tokens; a streamed line holds one token as a rule.
        return Finished(
            reason,
            Usage(
                prompt_tokens=line.prompt_eval_count,
                completion_tokens=max(line.eval_count, self._thinking_lines),
                cached_tokens=min(line.prompt_eval_cached_count, line.prompt_eval_count),
                reasoning_tokens=self._thinking_lines,
            ),
        )


class CompletionDecoder(ChatDecoder):
    """The same for the lines of POST /api/generate."""

    _prompt = "prompt"
    _plain = re.compile(
        rb'\{"model":"[^"]*+","created_at":"[^"]*+","response":%b,"done":false\}\n' % _TEXT
    )

    def __init__(self) -> None:
        super().__init__(str)

    def _decode_lines(self, block: bytes) -> list[wire.ChatLine]:
        return [_as_chat(line) for line in _generated.decode_lines(block)]

    def _decode(self, data: bytes) -> wire.ChatLine:
        return _as_chat(_generated.decode(data))


def _text(pieces: list[str]) -> ChatEvent:
    return TextRun(pieces) if len(pieces) > 1 else TextDelta(pieces[0])


def _as_chat(line: wire.GenerateLine) -> wire.ChatLine:
    if line.response is not None:
        line.message = wire.LineMessage(content=line.response)
    return line
