"""A place is taken for an answer and given back, whatever becomes of it."""

from __future__ import annotations

import asyncio

import pytest

from application.admission import Admission
from application.admitted import AdmittedLLM
from application.figures import Figures
from domain.chat import ChatRequest, FinishReason, Usage
from domain.errors import NotFoundError, OverloadedError, UpstreamError
from domain.events import Finished, TextDelta
from domain.messages import Message, Role
from tests.support.fake_llm import FakeLLM
from tests.support.streams import answer, outcome

ASK = ChatRequest("llama3", (Message(Role.USER, "Hi"),))


@pytest.fixture
def llm() -> FakeLLM:
    return FakeLLM()


async def test_an_answer_has_its_place_until_it_is_closed(llm: FakeLLM) -> None:
    admission = Admission(1, 0, 60)
    admitted = AdmittedLLM(llm, admission, Figures())

    stream = await admitted.stream(ASK)
    async for _ in stream:
        assert admission.running == 1
    with pytest.raises(OverloadedError):
        await admitted.stream(ASK)
    await stream.aclose()
    await stream.aclose()

    assert admission.running == 0
    assert llm.streams[0].closed.is_set()


async def test_an_answer_that_cannot_begin_leaves_its_place(llm: FakeLLM) -> None:
    admission, figures = Admission(1, 0, 60), Figures()
    admitted = AdmittedLLM(llm, admission, figures)

    with pytest.raises(NotFoundError):
        await admitted.stream(ChatRequest("nope", ASK.messages))
    assert not figures.failures
    llm.failure = UpstreamError("It broke.", code="upstream_error")
    with pytest.raises(UpstreamError):
        await admitted.stream(ASK)

    assert admission.running == 0
    assert figures.failures == {"upstream_error": 1}


async def test_only_what_is_left_before_its_end_is_abandoned(llm: FakeLLM) -> None:
    figures = Figures()
    admitted = AdmittedLLM(llm, Admission(1, 0, 60), figures)
    llm.play([TextDelta("Hi"), Finished(FinishReason.STOP, Usage(3, 1))])
    llm.play(UpstreamError("It broke."))

    await answer(admitted, ASK)
    await outcome(admitted, ASK)
    assert figures.abandoned == 0
    stream = await admitted.stream(ASK)
    await anext(stream)
    await stream.aclose()
    await stream.aclose()

    assert figures.abandoned == 1


async def test_a_cancelled_close_still_gives_the_place_back(llm: FakeLLM) -> None:
    admission = Admission(1, 0, 60)
    stream = await AdmittedLLM(llm, admission, Figures()).stream(ASK)

    closing = asyncio.create_task(stream.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    await stream.aclose()

    assert admission.running == 0


async def test_whoever_waits_begins_when_a_place_is_free(llm: FakeLLM) -> None:
    admission = Admission(1, 1, 60)
    admitted = AdmittedLLM(llm, admission, Figures())
    first = await admitted.stream(ASK)
    second = asyncio.create_task(admitted.stream(ASK))
    await asyncio.sleep(0)

    assert len(llm.requests) == 1

    await first.aclose()
    stream = await second

    assert await anext(stream) == [TextDelta("Hel")]
    await stream.aclose()
    assert admission.running == 0
