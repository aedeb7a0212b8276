"""What a request demands of an answer, checked before the answer is called a success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from application.ports.schema import SchemaCheck
from domain.accumulate import Accumulator
from domain.chat import ChatResult, FinishReason
from domain.errors import InvalidOutputError
from domain.events import ChatEvent, ToolCallDelta


@dataclass(frozen=True, slots=True)
class Demands:
    """Rules for one answer.

    Attributes:
        output: what its text must satisfy, unless it calls tools.
        arguments: what the arguments of each strict tool must satisfy.
        one_call: it may make one call at most.
    """

    output: SchemaCheck | None
    arguments: Mapping[str, SchemaCheck]
    one_call: bool

    def __bool__(self) -> bool:
        """Whether there is anything to check."""
        return self.output is not None or bool(self.arguments) or self.one_call

    def check(self, result: ChatResult) -> None:
        """Return if ``result`` satisfies them.

        Raises:
            InvalidOutputError: it does not; the message says where.
        """
        if result.finish_reason is FinishReason.LENGTH:
            return
        if self.output is not None and not result.tool_calls:
            fault = self.output.fault(result.content)
            if fault is not None:
                message = f"The model's answer does not satisfy the JSON Schema: {fault}."
                raise InvalidOutputError(message, code="invalid_output")
        for call in result.tool_calls:
            check = self.arguments.get(call.name)
            fault = check.fault(call.arguments) if check is not None else None
            if fault is not None:
                message = f"The model's call of '{call.name}' does not satisfy its schema: {fault}."
                raise InvalidOutputError(message, code="invalid_tool_call")


class Demanding:
    """Lets an answer pass, but its end only if it satisfies the demands."""

    def __init__(self, demands: Demands) -> None:
        self._demands = demands
        self._answer = Accumulator()

    def feed(self, batch: Sequence[ChatEvent]) -> Sequence[ChatEvent]:
        """Return what passes of these events; possibly none.

        Raises:
            InvalidOutputError: the answer has ended, and does not satisfy the demands.
        """
        if self._demands.one_call:
            batch = [event for event in batch if not _is_another_call(event)]
        self._answer.feed(batch)
        if self._answer.result is not None:
            self._demands.check(self._answer.result)
        return batch


def _is_another_call(event: ChatEvent) -> bool:
    return isinstance(event, ToolCallDelta) and event.index > 0
