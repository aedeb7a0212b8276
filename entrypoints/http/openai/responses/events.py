"""The JSON of a response's stream (OpenAI's OpenAPI document, ResponseStreamEvent).

The struct's tag is the event's type. What is alike in all is last: `sequence_number`.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from entrypoints.http.openai.responses import answer


class Lifecycle(Struct):
    """The response as a whole: created, in_progress, completed, incomplete, failed."""

    type: str
    response: msgspec.Raw
    sequence_number: int


class ItemAdded(Struct, tag_field="type", tag="response.output_item.added"):
    """An item begins."""

    output_index: int
    item: answer.Item
    sequence_number: int


class ItemDone(Struct, tag_field="type", tag="response.output_item.done"):
    """An item ends."""

    output_index: int
    item: answer.Item
    sequence_number: int


class PartAdded(Struct, tag_field="type", tag="response.content_part.added"):
    """A part of a message begins."""

    item_id: str
    output_index: int
    content_index: int
    part: answer.OutputText
    sequence_number: int


class PartDone(Struct, tag_field="type", tag="response.content_part.done"):
    """A part of a message ends."""

    item_id: str
    output_index: int
    content_index: int
    part: answer.OutputText
    sequence_number: int


class TextDelta(Struct, tag_field="type", tag="response.output_text.delta"):
    """More text."""

    item_id: str
    output_index: int
    content_index: int
    delta: str
    logprobs: list[answer.Logprob]
    sequence_number: int


class TextDone(Struct, tag_field="type", tag="response.output_text.done"):
    """The whole text."""

    item_id: str
    output_index: int
    content_index: int
    text: str
    logprobs: list[answer.Logprob]
    sequence_number: int


class SummaryPartAdded(Struct, tag_field="type", tag="response.reasoning_summary_part.added"):
    """Thoughts begin."""

    item_id: str
    output_index: int
    summary_index: int
    part: answer.SummaryText
    sequence_number: int


class SummaryPartDone(Struct, tag_field="type", tag="response.reasoning_summary_part.done"):
    """Thoughts end."""

    item_id: str
    output_index: int
    summary_index: int
    part: answer.SummaryText
    sequence_number: int


class SummaryDelta(Struct, tag_field="type", tag="response.reasoning_summary_text.delta"):
    """More thoughts."""

    item_id: str
    output_index: int
    summary_index: int
    delta: str
    sequence_number: int


class SummaryDone(Struct, tag_field="type", tag="response.reasoning_summary_text.done"):
    """All thoughts."""

    item_id: str
    output_index: int
    summary_index: int
    text: str
    sequence_number: int


class ArgumentsDelta(Struct, tag_field="type", tag="response.function_call_arguments.delta"):
    """More of a call's arguments."""

    item_id: str
    output_index: int
    delta: str
    sequence_number: int


class ArgumentsDone(Struct, tag_field="type", tag="response.function_call_arguments.done"):
    """A call's arguments."""

    item_id: str
    output_index: int
    name: str
    arguments: str
    sequence_number: int


class CustomInputDelta(Struct, tag_field="type", tag="response.custom_tool_call_input.delta"):
    """More of a custom tool's input."""

    item_id: str
    output_index: int
    delta: str
    sequence_number: int


class CustomInputDone(Struct, tag_field="type", tag="response.custom_tool_call_input.done"):
    """A custom tool's input."""

    item_id: str
    output_index: int
    input: str
    sequence_number: int
