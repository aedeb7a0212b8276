"""Events to the answer they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.chat import ChatResult, FinishReason, TokenLogprob, Usage
from domain.events import ChatEvent, Finished, ReasoningDelta, TextDelta, TextRun, ToolCallDelta
from domain.tools import ToolCall

if TYPE_CHECKING:
    from collections.abc import Sequence


class Accumulator:
    """Gathers the events of one answer; ``result`` is set once ``Finished`` was fed."""

    def __init__(self) -> None:
        self.result: ChatResult | None = None
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._logprobs: list[TokenLogprob] = []
        self._calls: list[tuple[str, str, list[str]]] = []

    def feed(self, events: Sequence[ChatEvent]) -> None:
        """Take the next events."""
        for event in events:
            match event:
                case TextRun(pieces):
                    self._text += pieces
                case TextDelta(text, logprobs):
                    self._text.append(text)
                    self._logprobs += logprobs
                case ReasoningDelta(text):
                    self._reasoning.append(text)
                case ToolCallDelta(_, id_, name, arguments):
                    if id_ is not None and name is not None:
                        self._calls.append((id_, name, []))
                    self._calls[-1][2].append(arguments)
                case Finished(reason, usage):
                    self.result = self._answer(reason, usage)

    def _answer(self, reason: FinishReason, usage: Usage) -> ChatResult:
        return ChatResult(
            content="".join(self._text),
            finish_reason=reason,
            usage=usage,
            reasoning="".join(self._reasoning),
            tool_calls=tuple(ToolCall(i, name, "".join(parts)) for i, name, parts in self._calls),
            logprobs=tuple(self._logprobs),
        )
