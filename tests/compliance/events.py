"""What Open Responses (version 2026-04-24) requires of each event; it knows these 24 kinds."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
from msgspec import Struct

from tests.compliance.schema import (
    Error,
    Item,
    Logprob,
    Part,
    ResponseResource,
    SummaryText,
    UrlCitation,
)


class Event(Struct, tag_field="type"):
    sequence_number: int


class Lifecycle(Event):
    response: ResponseResource


class Created(Lifecycle, tag="response.created"): ...


class Queued(Lifecycle, tag="response.queued"): ...


class InProgress(Lifecycle, tag="response.in_progress"): ...


class Completed(Lifecycle, tag="response.completed"): ...


class Incomplete(Lifecycle, tag="response.incomplete"): ...


class Failed(Lifecycle, tag="response.failed"): ...


class ItemAdded(Event, tag="response.output_item.added"):
    output_index: int
    item: Item


class ItemDone(Event, tag="response.output_item.done"):
    output_index: int
    item: Item


class OfItem(Event):
    item_id: str
    output_index: int


class OfPart(OfItem):
    content_index: int


class OfSummary(OfItem):
    summary_index: int


class PartAdded(OfPart, tag="response.content_part.added"):
    part: Part


class PartDone(OfPart, tag="response.content_part.done"):
    part: Part


class TextDelta(OfPart, tag="response.output_text.delta"):
    delta: str
    logprobs: list[Logprob]


class TextDone(OfPart, tag="response.output_text.done"):
    text: str
    logprobs: list[Logprob]


class AnnotationAdded(OfPart, tag="response.output_text.annotation.added"):
    annotation_index: int
    annotation: UrlCitation


class RefusalDelta(OfPart, tag="response.refusal.delta"):
    delta: str


class RefusalDone(OfPart, tag="response.refusal.done"):
    refusal: str


class ReasoningDelta(OfPart, tag="response.reasoning.delta"):
    delta: str


class ReasoningDone(OfPart, tag="response.reasoning.done"):
    text: str


class SummaryPartAdded(OfSummary, tag="response.reasoning_summary_part.added"):
    part: SummaryText


class SummaryPartDone(OfSummary, tag="response.reasoning_summary_part.done"):
    part: SummaryText


class SummaryDelta(OfSummary, tag="response.reasoning_summary_text.delta"):
    delta: str


class SummaryDone(OfSummary, tag="response.reasoning_summary_text.done"):
    text: str


class ArgumentsDelta(OfItem, tag="response.function_call_arguments.delta"):
    delta: str


class ArgumentsDone(OfItem, tag="response.function_call_arguments.done"):
    arguments: str


class ErrorEvent(Event, tag="error"):
    error: Error


KnownEvent: TypeAlias = (
    Created
    | Queued
    | InProgress
    | Completed
    | Incomplete
    | Failed
    | ItemAdded
    | ItemDone
    | PartAdded
    | PartDone
    | TextDelta
    | TextDone
    | AnnotationAdded
    | RefusalDelta
    | RefusalDone
    | ReasoningDelta
    | ReasoningDone
    | SummaryPartAdded
    | SummaryPartDone
    | SummaryDelta
    | SummaryDone
    | ArgumentsDelta
    | ArgumentsDone
    | ErrorEvent
)


def check_event(value: object) -> KnownEvent:
    """Return the event that ``value`` is.

    Raises:
        msgspec.ValidationError: it is none of those there are.
    """
    event: KnownEvent = msgspec.convert(value, KnownEvent)
    return event
