"""OpenAI's events to the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from adapters.engines import failures
from adapters.engines.decoding import UNREADABLE
from adapters.openai_upstream import errors, logprobs, wire
from adapters.openai_upstream.calls import Calls
from adapters.transport.eventstream import EventStream
from domain.chat import FinishReason, Usage
from domain.errors import InvalidRequestError
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_decode = msgspec.json.Decoder(wire.Chunk).decode
_DONE = b"[DONE]"

# OpenAI's words, and those of engines that have their own for two of them.
_REASONS: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "eos_token": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
}


class ChatDecoder:
    """Bytes in, events out; one instance per answer.

    An answer is complete when it has said why it ended and its body ends, with ``[DONE]`` or
    without: usage comes after the reason, and some engines send one of zeros before it.

    Args:
        new_call_id: makes an id for a call that comes without one.
        top_logprobs: how many alternatives to keep of each token.

    Attributes:
        finished: the answer is complete.
    """

    # The request's field that holds what the model reads.
    _prompt = "messages"

    def __init__(self, new_call_id: Callable[[], str], top_logprobs: int | None = None) -> None:
        self._events = EventStream()
        self._calls = Calls(new_call_id)
        self._top = top_logprobs or 0
        self._lacks_logprobs = top_logprobs is not None
        self._reason: FinishReason | None = None
        self._usage = wire.Usage()
        self._thoughts = 0
        self.finished = False

    def feed(self, data: bytes, out: list[ChatEvent]) -> None:
        """Put the events that ``data`` completes into ``out``; possibly none.

        Raises:
            ServiceError: the engine reported a failure inside the stream.
            UpstreamProtocolError: an event is not what OpenAI documents.
        """
        for event in self._events.feed(data):
            self._take(event, out)

    def finish(self, out: list[ChatEvent]) -> None:
        """Put the events that the end of the body completes into ``out``.

        Raises:
            UpstreamProtocolError: the body ended before the answer did.
        """
        for event in self._events.finish():
            self._take(event, out)
        if not self.finished:
            self._end(out)

    def _take(self, data: bytes, out: list[ChatEvent]) -> None:
        if self.finished:
            return
        try:
            chunk = _decode(data)
        except UNREADABLE as error:
            if data.strip() == _DONE:
                self._end(out)
                return
            raise failures.unreadable() from error
        if chunk.error is not None:
            raise errors.reported(chunk.error, self._prompt)
        for choice in chunk.choices:
            delta = choice.delta
            # Nearly every chunk is a piece of text and nothing else.
            if (
                delta is not None
                and delta.content
                and choice.finish_reason is None
                and choice.logprobs is None
                and not self._lacks_logprobs
                and delta.tool_calls is None
                and not delta.reasoning_content
                and not delta.reasoning
            ):
                out.append(TextDelta(delta.content))
            else:
                self._add(choice, out)
        if chunk.usage is not None:
            self._usage = chunk.usage

    def _add(self, choice: wire.Choice, out: list[ChatEvent]) -> None:
        delta = choice.delta or wire.Delta(content=choice.text)
        thought = delta.reasoning_content or delta.reasoning
        if thought:
            self._thoughts += 1
            out.append(ReasoningDelta(thought))
        drawn = logprobs.tokens(choice.logprobs, self._top)
        if self._lacks_logprobs and delta.content:
            if not drawn:
                raise _no_logprobs()
            self._lacks_logprobs = False
        # The probabilities of thoughts have no place in the domain.
        if delta.content or (drawn and not thought):
            out.append(TextDelta(delta.content or "", () if thought else drawn))
        for call in delta.tool_calls or ():
            self._calls.add(call, out)
        if choice.finish_reason is not None:
            self._reason = _reason(choice.finish_reason)

    def _end(self, out: list[ChatEvent]) -> None:
        reason = self._reason
        if reason is None:
            raise failures.cut_short()
        if reason is FinishReason.STOP and self._calls.made:
            reason = FinishReason.TOOL_CALLS
        if reason is not FinishReason.LENGTH:
            self._calls.finish(out)
        out.append(Finished(reason, self._counts()))
        self.finished = True

    def _counts(self) -> Usage:
        usage = self._usage
        completion = usage.completion_tokens or 0
        prompt = usage.prompt_tokens_details or wire.PromptDetails()
        details = usage.completion_tokens_details or wire.CompletionDetails()
        thoughts = details.reasoning_tokens
        # Where they are not counted: a chunk of thought is a token as a rule.
        reasoning = min(self._thoughts, completion) if thoughts is None else thoughts
        return Usage(
            usage.prompt_tokens,
            completion,
            cached_tokens=min(prompt.cached_tokens or 0, usage.prompt_tokens),
            reasoning_tokens=reasoning,
        )


class CompletionDecoder(ChatDecoder):
    """The same for completions of bare prompts."""

    _prompt = "prompt"

    def __init__(self, top_logprobs: int | None = None) -> None:
        super().__init__(str, top_logprobs)


def _no_logprobs() -> InvalidRequestError:
    message = "This model server gives no log probabilities."
    return InvalidRequestError(message, code="unsupported_parameter", param="logprobs")


def _reason(text: str) -> FinishReason:
    reason = _REASONS.get(text)
    if reason is None:
        raise errors.reported(wire.Failure(text), "messages")
    return reason
