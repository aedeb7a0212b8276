"""Ollama's bytes to domain events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.ollama import wire
from adapters.ollama.errors import stream_error
from adapters.transport.ndjson import LineSplitter
from domain.chat import FinishReason, TokenLogprob, TopLogprob, Usage
from domain.errors import UpstreamProtocolError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_decode = msgspec.json.Decoder(wire.ChatLine).decode

_GARBAGE = "The model server sent something that is not an answer."
_CUT = "The model server ended its answer before it was complete."


class ChatDecoder:
    """Bytes in, events out; one instance per response.

    The rules of a stream are those of `reference` Ollama `server/routes.go`, ChatHandler: every
    line may carry anything, the one marked done too; an ``error`` line is the last; a body that
    ends without a done line is a failure, however clean its end.
    """

    def __init__(self, new_call_id: Callable[[], str]) -> None:
        self._lines = LineSplitter()
        self._new_call_id = new_call_id
        self._calls = 0
        self._thinking_lines = 0
        self.finished = False

    def feed(self, data: bytes) -> list[ChatEvent]:
        """Return the events that ``data`` completes; possibly none.

        Raises:
            UpstreamError: Ollama reported a failure inside the stream.
            UpstreamProtocolError: a line is not what Ollama documents.
        """
        return self._events(self._lines.feed(data))

    def finish(self) -> list[ChatEvent]:
        """Return the events of an unended last line.

        Raises:
            UpstreamProtocolError: the body ended before the answer did.
        """
        events = self._events(self._lines.finish())
        if not self.finished:
            raise UpstreamProtocolError(_CUT, code="upstream_truncated")
        return events

    def _events(self, lines: list[bytes]) -> list[ChatEvent]:
        out: list[ChatEvent] = []
        for data in lines:
            if self.finished:
                break
            try:
                line = _decode(data)
            # For invalid UTF-8 msgspec lets Python's own error through.
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise UpstreamProtocolError(_GARBAGE, code="upstream_garbage") from error
            if line.error is not None:
                raise stream_error(line.error)
            message = line.message
            if message is not None:
                self._add(message, line.logprobs, out)
            elif not line.done and not line.done_reason:
                raise UpstreamProtocolError(_GARBAGE, code="upstream_garbage")
            if line.done or line.done_reason:
                self.finished = True
                out.append(self._finished(line))
        return out

    def _add(
        self,
        message: wire.LineMessage,
        logprobs: list[wire.TokenLogprob] | None,
        out: list[ChatEvent],
    ) -> None:
        if message.thinking:
            self._thinking_lines += 1
            out.append(ReasoningDelta(message.thinking))
        if logprobs:
            out.append(TextDelta(message.content or "", tuple(map(_logprob, logprobs))))
        elif message.content:
            out.append(TextDelta(message.content))
        if message.tool_calls:
            out += map(self._call, message.tool_calls)

    def _call(self, call: wire.ToolCall) -> ToolCallDelta:
        # Numbered by arrival: some of Ollama's parsers give every call the index 0. Ids are
        # ours: Ollama's have 8 characters or none, and collide across long histories.
        index = self._calls
        self._calls += 1
        arguments = bytes(call.function.arguments).decode() or "{}"
        return ToolCallDelta(index, self._new_call_id(), call.function.name, arguments)

    def _finished(self, line: wire.ChatLine) -> Finished:
        if line.done_reason in ("load", "unload"):
            raise UpstreamProtocolError(_GARBAGE, code="upstream_garbage")
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


def _logprob(entry: wire.TokenLogprob) -> TokenLogprob:
    top: Sequence[wire.Logprob] = entry.top_logprobs or ()
    return TokenLogprob(
        entry.token,
        entry.logprob,
        _utf8(entry),
        tuple(TopLogprob(other.token, other.logprob, _utf8(other)) for other in top),
    )


def _utf8(entry: wire.Logprob) -> bytes | None:
    if entry.bytes is None:
        return None
    try:
        return bytes(entry.bytes)
    except ValueError as error:
        raise UpstreamProtocolError(_GARBAGE, code="upstream_garbage") from error
