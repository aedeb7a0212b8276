from __future__ import annotations

from domain.accumulate import Accumulator
from domain.chat import ChatResult, FinishReason
from domain.events import ReasoningDelta, TextDelta, ToolCallDelta
from domain.tools import ToolCall
from tests.support import builders

USAGE = builders.UsageFactory.build()
DONE = builders.FinishedFactory.build(usage=USAGE)


def test_there_is_no_result_before_the_end() -> None:
    accumulator = Accumulator()

    accumulator.feed([TextDelta("a")])

    assert accumulator.result is None


def test_pieces_are_joined_over_batches() -> None:
    first, second = builders.TokenLogprobFactory.batch(2)
    accumulator = Accumulator()

    accumulator.feed([ReasoningDelta("H"), TextDelta("Hel", (first,))])
    accumulator.feed([ReasoningDelta("m"), TextDelta("lo", (second,)), DONE])

    assert accumulator.result == ChatResult(
        "Hello", FinishReason.STOP, USAGE, "Hm", (), (first, second)
    )


def test_the_pieces_of_each_call_are_joined() -> None:
    accumulator = Accumulator()

    accumulator.feed([ToolCallDelta(0, "call_1", "f", ""), ToolCallDelta(0, None, None, '{"a":')])
    accumulator.feed(
        [ToolCallDelta(0, None, None, "1}"), ToolCallDelta(1, "call_2", "g", "{}"), DONE]
    )

    assert accumulator.result is not None
    assert accumulator.result.tool_calls == (
        ToolCall("call_1", "f", '{"a":1}'),
        ToolCall("call_2", "g", "{}"),
    )


def test_an_answer_may_be_empty() -> None:
    accumulator = Accumulator()

    accumulator.feed([DONE])

    assert accumulator.result == ChatResult("", FinishReason.STOP, USAGE)
