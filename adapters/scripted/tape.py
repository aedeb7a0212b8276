"""The lines of a recording: JSON objects, one an answer or a model.

A recording holds prompts and answers as they are: it is made for tests, of what one may keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from adapters.scripted.errors import SourceError
from domain import errors, events
from domain.chat import FinishReason, TokenLogprob, Usage
from domain.embeddings import Vector
from domain.models import ModelDetails, ModelSummary

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Text(Struct, tag="text", omit_defaults=True):
    """A piece of text."""

    text: str
    logprobs: tuple[TokenLogprob, ...] = ()


class Run(Struct, tag="run"):
    """Pieces of text that came together."""

    pieces: list[str]


class Reasoning(Struct, tag="reasoning"):
    """A piece of thinking."""

    text: str


class Call(Struct, tag="tool_call"):
    """A piece of a call."""

    index: int
    id: str | None
    name: str | None
    arguments: str


class End(Struct, tag="end"):
    """The end."""

    reason: FinishReason
    usage: Usage


Event = Text | Run | Reasoning | Call | End


class Failure(Struct, omit_defaults=True):
    """A failure, by the name of its class."""

    error: str
    message: str
    code: str | None = None
    param: str | None = None


class Answer(Struct, tag="answer", omit_defaults=True):
    """Batches as they came, and the failure at their end, if any."""

    digest: str
    request: dict[str, Any]
    batches: list[list[Event]] = []
    failure: Failure | None = None


class Vectors(Struct, tag="vectors", omit_defaults=True):
    """Vectors of texts, or why there are none."""

    digest: str
    request: dict[str, Any]
    vectors: tuple[Vector, ...] = ()
    prompt_tokens: int = 0
    failure: Failure | None = None


class Model(Struct, tag="model"):
    """A model as it was described."""

    details: ModelDetails


class Listed(Struct, tag="listed"):
    """The models as they were listed."""

    models: list[ModelSummary]


Line = Answer | Vectors | Model | Listed

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def read(path: Path) -> Iterator[Line]:
    """Yield the lines of a recording.

    Raises:
        SourceError: it cannot be read, or is none.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        message = "it cannot be read"
        raise SourceError(message) from error
    for number, line in enumerate(lines, 1):
        try:
            read = _decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message = f"line {number} is not one of a recording: {error}"
            raise SourceError(message) from error
        if isinstance(read, Answer | Vectors) and not isinstance(read.request.get("model"), str):
            message = f"line {number} is not one of a recording: its request names no model"
            raise SourceError(message)
        yield read


def packed(batch: Sequence[events.ChatEvent]) -> list[Event]:
    """Return a batch as it is recorded."""
    return [_packed(event) for event in batch]


def unpacked(batch: Sequence[Event]) -> list[events.ChatEvent]:
    """Return a recorded batch."""
    return [_unpacked(event) for event in batch]


def _packed(event: events.ChatEvent) -> Event:
    match event:
        case events.TextDelta(text, logprobs):
            return Text(text, logprobs)
        case events.TextRun(pieces):
            return Run(pieces)
        case events.ReasoningDelta(text):
            return Reasoning(text)
        case events.ToolCallDelta(index, call_id, name, arguments):
            return Call(index, call_id, name, arguments)
        case events.Finished(reason, usage):
            return End(reason, usage)


def _unpacked(event: Event) -> events.ChatEvent:
    match event:
        case Text():
            return events.TextDelta(event.text, event.logprobs)
        case Run():
            return events.TextRun(event.pieces)
        case Reasoning():
            return events.ReasoningDelta(event.text)
        case Call():
            return events.ToolCallDelta(event.index, event.id, event.name, event.arguments)
        case End():
            return events.Finished(event.reason, event.usage)


def failure(error: errors.ServiceError) -> Failure:
    """Return a failure as it is recorded."""
    return Failure(type(error).__name__, error.message, error.code, error.param)


def error(told: Failure) -> errors.ServiceError:
    """Return a recorded failure; one of a class that is gone is the model server's."""
    cls = getattr(errors, told.error, errors.UpstreamError)
    made: errors.ServiceError = cls(told.message, code=told.code, param=told.param)
    return made
