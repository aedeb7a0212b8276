"""llama.cpp's chunks to domain events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.engines import decoding
from adapters.engines.decoding import UNREADABLE
from adapters.llamacpp import errors, wire
from domain.chat import FinishReason, Usage
from domain.embeddings import EmbedResult
from domain.errors import UpstreamProtocolError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Iterable

_decode = msgspec.json.Decoder(wire.Chunk).decode
_decode_text = msgspec.json.Decoder(wire.TextChunk).decode
_decode_vectors = msgspec.json.Decoder(wire.Embeddings).decode

_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
}


class ChatDecoder:
    """Chunks in, events out; one instance per answer.

    Args:
        top_logprobs: how many alternatives to keep of each token.
    """

    def __init__(self, top_logprobs: int | None = None) -> None:
        self.finished = False
        self._top = top_logprobs or 0
        self._reason: FinishReason | None = None
        self._calls: list[int] = []

    def feed(self, chunks: Iterable[bytes]) -> list[ChatEvent]:
        """Return the events of the next chunks; possibly none.

        Raises:
            ServiceError: the engine reported a failure.
            UpstreamProtocolError: a chunk is not what llama.cpp documents.
        """
        events: list[ChatEvent] = []
        for data in chunks:
            self._add(data, events)
        return events

    def finish(self) -> None:
        """Take note that no more chunks come.

        Raises:
            UpstreamProtocolError: the answer is not complete.
        """
        if not self.finished:
            message = "The embedded engine ended an answer before it was complete."
            raise UpstreamProtocolError(message)

    def _add(self, data: bytes, events: list[ChatEvent]) -> None:
        try:
            chunk = _decode(data)
        except UNREADABLE as error:
            raise _unreadable() from error
        if chunk.error is not None:
            raise errors.reported(chunk.error)
        for choice in chunk.choices:
            events += self._delta(choice)
            if choice.finish_reason is not None:
                self._reason = _reason(choice.finish_reason)
        # llama.cpp counts in a chunk of its own, after the one with the reason.
        if chunk.usage is not None and self._reason is not None:
            self.finished = True
            events.append(Finished(self._reason, _usage(chunk.usage)))

    def _delta(self, choice: wire.Choice) -> Iterable[ChatEvent]:
        delta = choice.delta
        if delta.reasoning_content:
            yield ReasoningDelta(delta.reasoning_content)
        drawn = choice.logprobs.content if choice.logprobs is not None else None
        logprobs = tuple(decoding.logprob(token, self._top) for token in drawn or ())
        if delta.content or (logprobs and not delta.reasoning_content):
            yield TextDelta(delta.content or "", logprobs)
        for call in delta.tool_calls or ():
            yield self._call(call)

    def _call(self, call: wire.ToolCall) -> ToolCallDelta:
        arguments = call.function.arguments or ""
        if call.index in self._calls:
            return ToolCallDelta(self._calls.index(call.index), None, None, arguments)
        if not call.id or not call.function.name:
            raise _unreadable()
        self._calls.append(call.index)
        return ToolCallDelta(len(self._calls) - 1, call.id, call.function.name, arguments)


class CompletionDecoder(ChatDecoder):
    """The same for completions of bare prompts."""

    def _add(self, data: bytes, events: list[ChatEvent]) -> None:
        try:
            chunk = _decode_text(data)
        except UNREADABLE as error:
            raise _unreadable() from error
        if chunk.error is not None:
            raise errors.reported(chunk.error, "prompt")
        for choice in chunk.choices:
            drawn = choice.logprobs.content if choice.logprobs is not None else None
            logprobs = tuple(decoding.logprob(token, self._top) for token in drawn or ())
            if choice.text or logprobs:
                events.append(TextDelta(choice.text, logprobs))
            if choice.finish_reason is not None and chunk.usage is not None:
                self.finished = True
                events.append(Finished(_reason(choice.finish_reason), _usage(chunk.usage)))


def vectors(data: bytes) -> EmbedResult:
    """Return the vectors of an answer in the order of their texts.

    Raises:
        ServiceError: the engine reported a failure.
        UpstreamProtocolError: the answer is not what llama.cpp documents.
    """
    try:
        answer = _decode_vectors(data)
    except UNREADABLE as error:
        raise _unreadable() from error
    if answer.error is not None:
        raise errors.reported(answer.error, "input")
    ordered = sorted(answer.data, key=lambda entry: entry.index)
    return EmbedResult(tuple(entry.embedding for entry in ordered), answer.usage.prompt_tokens)


def _reason(text: str) -> FinishReason:
    reason = _REASONS.get(text)
    if reason is None:
        raise _unreadable()
    return reason


def _usage(usage: wire.Usage) -> Usage:
    cached = usage.prompt_tokens_details.cached_tokens
    return Usage(usage.prompt_tokens, usage.completion_tokens, cached_tokens=cached)


def _unreadable() -> UpstreamProtocolError:
    return UpstreamProtocolError("The embedded engine sent something that is not an answer.")
