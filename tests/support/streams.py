"""Reading streams to their end, in tests that care about what came."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from domain.accumulate import Accumulator
from domain.errors import ServiceError
from domain.events import TextDelta, TextRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest, ChatResult
    from domain.events import ChatEvent

# A guard against a stream that never comes back; nothing is measured.
LIMIT_S = 10


async def take(stream: ChatStream, into: list[Sequence[ChatEvent]]) -> None:
    """Put the batches of a stream ``into`` a list, up to its end or failure; close it.

    Raises:
        ValueError: a batch is empty, as no stream may have it.
    """
    try:
        async for batch in stream:
            if not batch:
                message = "an empty batch"
                raise ValueError(message)
            into.append(batch)
    finally:
        await stream.aclose()


async def answer(llm: LLMPort, request: ChatRequest) -> list[Sequence[ChatEvent]]:
    """Return the batches of an answer."""
    batches: list[Sequence[ChatEvent]] = []
    async with asyncio.timeout(LIMIT_S):
        await take(await llm.stream(request), batches)
    return batches


async def outcome(llm: LLMPort, request: ChatRequest) -> ChatResult | ServiceError:
    """Return what an answer folds to, or how it failed."""
    try:
        return fold(await answer(llm, request))
    except ServiceError as error:
        return error


def fold(batches: Sequence[Sequence[ChatEvent]]) -> ChatResult:
    """Return the answer that batches describe.

    Raises:
        ValueError: they have no ``Finished``.
    """
    accumulator = Accumulator()
    for batch in batches:
        accumulator.feed(batch)
    if accumulator.result is None:
        message = "the answer did not finish"
        raise ValueError(message)
    return accumulator.result


def flat(batches: Sequence[Sequence[ChatEvent]]) -> list[ChatEvent]:
    """Return the events of batches."""
    return [event for batch in batches for event in batch]


def apart(events: Sequence[ChatEvent]) -> list[ChatEvent]:
    """Return events with the pieces of every run as deltas of their own."""
    out: list[ChatEvent] = []
    for event in events:
        out += map(TextDelta, event.pieces) if isinstance(event, TextRun) else [event]
    return out
