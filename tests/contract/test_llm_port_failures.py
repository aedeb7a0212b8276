"""What every implementation of ``LLMPort`` keeps to when something goes wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from domain.chat import ChatRequest, FinishReason, Usage
from domain.errors import OverloadedError, ServiceError, UpstreamError, UpstreamUnavailableError
from domain.events import ChatEvent, Finished, TextDelta
from tests.support import builders
from tests.support.streams import LIMIT_S, answer, fold, outcome, take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.contract.conftest import Scripted

HEL, LO, DONE = TextDelta("Hel"), TextDelta("lö 👋"), Finished(FinishReason.STOP, Usage(7, 2))


def ask(driver: Scripted) -> ChatRequest:
    return builders.ChatRequestFactory.build(model=driver.model)


@pytest.mark.parametrize("error", [UpstreamError, OverloadedError])
async def test_a_refusal_is_an_error_that_can_be_shown(
    scripted: Scripted, error: type[UpstreamError | OverloadedError]
) -> None:
    scripted.refuses(error)

    raised = await outcome(scripted.llm, ask(scripted))

    assert isinstance(raised, error)
    assert "/" not in raised.message


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="before"),
        pytest.param([[HEL]], id="inside"),
        pytest.param([[HEL], [LO]], id="at the end"),
    ],
)
@pytest.mark.parametrize("way", ["fails", "breaks", "ends"])
async def test_a_failed_answer_raises_after_what_came(
    scripted: Scripted, way: str, before: list[list[ChatEvent]]
) -> None:
    getattr(scripted, way)(*before)
    batches: list[Sequence[ChatEvent]] = []

    async def work() -> None:
        stream = await scripted.llm.stream(ask(scripted))
        for _ in before:
            batches.append(await anext(stream))  # noqa: PERF401 - see ``take``
        scripted.go_on()
        await take(stream, batches)

    with pytest.raises(UpstreamError):
        await asyncio.wait_for(work(), LIMIT_S)

    assert [list(batch) for batch in batches] == before


@pytest.mark.parametrize("way", ["fails", "breaks", "ends"])
async def test_a_failure_leaves_the_port_usable(scripted: Scripted, way: str) -> None:
    getattr(scripted, way)([HEL])
    scripted.go_on()
    scripted.answers([HEL], [DONE])

    failed = await outcome(scripted.llm, ask(scripted))
    result = fold(await answer(scripted.llm, ask(scripted)))

    assert isinstance(failed, ServiceError)
    assert result.content == "Hel"
    async with asyncio.timeout(LIMIT_S):
        await scripted.freed()


async def test_a_server_that_is_gone_is_unavailable(scripted: Scripted) -> None:
    await scripted.down()

    error = await outcome(scripted.llm, ask(scripted))

    assert isinstance(error, UpstreamUnavailableError)
    assert "127.0.0.1" not in error.message
    with pytest.raises(UpstreamUnavailableError):
        await scripted.llm.check()
    with pytest.raises(UpstreamUnavailableError):
        await scripted.llm.list_models()


async def test_closing_early_frees_the_server(scripted: Scripted) -> None:
    scripted.hangs([HEL])

    async with asyncio.timeout(LIMIT_S):
        stream = await scripted.llm.stream(ask(scripted))
        batch = await anext(stream)
        await stream.aclose()

        await scripted.freed()

    assert list(batch) == [HEL]


@pytest.mark.parametrize("before", [[], [[HEL]]], ids=["no event", "one event"])
async def test_cancellation_frees_the_server(
    scripted: Scripted, before: list[list[ChatEvent]]
) -> None:
    scripted.hangs(*before)
    taken: list[Sequence[ChatEvent]] = []

    async def work() -> None:
        await take(await scripted.llm.stream(ask(scripted)), taken)

    working = asyncio.create_task(work())
    async with asyncio.timeout(LIMIT_S):
        await scripted.asked()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working

        await scripted.freed()


async def test_a_hanging_answer_does_not_hold_up_another(scripted: Scripted) -> None:
    scripted.hangs([HEL])
    scripted.answers([LO], [DONE])

    hanging = await scripted.llm.stream(ask(scripted))
    begun = await anext(hanging)
    result = fold(await answer(scripted.llm, ask(scripted)))
    await hanging.aclose()

    assert (list(begun), result.content) == ([HEL], LO.text)
