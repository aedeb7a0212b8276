"""Each caller gets what its limits allow, and others are not asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.account import Account
from application.allowance import VISIT, Allowance, Visit
from application.limited import LimitedLLM
from domain.chat import ChatRequest, FinishReason, Usage
from domain.completion import CompletionRequest
from domain.embeddings import EmbedRequest
from domain.errors import (
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RateLimitError,
    UpstreamError,
)
from domain.events import Finished, TextDelta, TextRun
from domain.keys import KeyLimits
from domain.messages import Message, Role
from tests.support.fake_llm import USAGE, FakeLLM, FakeStream
from tests.support.fake_system import FixedClock

if TYPE_CHECKING:
    from collections.abc import Generator

    from application.admission import Admission

ASK = ChatRequest("llama3", (Message(Role.USER, "x" * 40),))
PROMPT = 10
TOTAL = USAGE.prompt_tokens + USAGE.completion_tokens


class Loading(FakeLLM):
    """Loads its model for ever."""

    async def stream(self, request: ChatRequest) -> FakeStream:
        """Never return."""
        await asyncio.Event().wait()
        return await super().stream(request)


@pytest.fixture(autouse=True)
def _nobody() -> Generator[None]:
    token = VISIT.set(None)
    yield
    VISIT.reset(token)


@pytest.fixture
def llm() -> FakeLLM:
    return FakeLLM()


def allowance(clock: FixedClock | None = None, **limits: int | tuple[str, ...]) -> Allowance:
    made = KeyLimits(**limits)  # type: ignore[arg-type]  # by name
    return Allowance(made, {"gpt-4o": "llama3"}, Account(made, clock or FixedClock(), 60))


def places(whose: Allowance) -> Admission:
    assert isinstance(whose.account, Account)
    assert whose.account.places is not None
    return whose.account.places


def visit(whose: Allowance) -> Visit:
    made = Visit(whose)
    VISIT.set(made)
    return made


def left(whose: Allowance) -> int:
    assert whose.account.tokens is not None
    return whose.account.tokens.left(whose.account.now())


async def test_whoever_has_no_limits_gets_the_servers_own_stream(llm: FakeLLM) -> None:
    stream = await LimitedLLM(llm).stream(ASK)

    assert stream is llm.streams[0]


async def test_nothing_else_is_counted_without_limits(llm: FakeLLM) -> None:
    limited = LimitedLLM(llm)
    prompted = await limited.complete_prompt(CompletionRequest("llama3", "Hi"))
    vectors = await limited.embed(EmbedRequest("embedder", ("one",)))

    assert prompted is llm.streams[0]
    assert len(vectors.vectors) == 1


async def test_a_key_that_may_ask_all_has_no_count_of_tokens(llm: FakeLLM) -> None:
    whose = allowance(concurrency=1)
    visit(whose)
    limited = LimitedLLM(llm)
    whose.account.take(5)
    await limited.delete_model("llama3")

    assert isinstance(whose.account, Account)
    assert whose.account.tokens is None
    assert "llama3" not in {model.name for model in await llm.list_models()}


async def test_who_leaves_before_the_answer_begins_gives_the_place_back() -> None:
    whose = allowance(concurrency=1, tokens_per_minute=100)
    visit(whose)
    asking = asyncio.create_task(LimitedLLM(Loading()).stream(ASK))
    await asyncio.sleep(0)
    held = places(whose).running
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    assert (held, places(whose).running) == (1, 0)
    # The server may have read all of the prompt.
    assert left(whose) == 100 - PROMPT


async def test_an_answer_counts_while_it_is_made_and_then_as_it_was(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    visit(whose)
    stream = await LimitedLLM(llm).stream(ASK)

    assert left(whose) == 100 - PROMPT
    await anext(stream)
    assert left(whose) == 100 - PROMPT - 1
    await anext(stream)
    assert left(whose) == 100 - TOTAL
    await stream.aclose()
    assert left(whose) == 100 - TOTAL


async def test_an_answer_that_is_cut_counts_for_what_came_of_it(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    visit(whose)
    stream = await LimitedLLM(llm).stream(ASK)
    await anext(stream)
    await stream.aclose()

    assert left(whose) == 100 - PROMPT - 1


async def test_pieces_that_come_together_count_as_many(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    visit(whose)
    llm.play([TextRun(["a", "b", "c"]), TextDelta("d")])
    stream = await LimitedLLM(llm).stream(ASK)
    await anext(stream)
    await stream.aclose()

    assert left(whose) == 100 - PROMPT - 4


async def test_what_fails_before_its_first_token_counts_for_nothing(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    limited = LimitedLLM(llm)
    visit(whose)
    llm.play(UpstreamError("no"))
    stream = await limited.stream(ASK)
    with pytest.raises(UpstreamError):
        await anext(stream)
    await stream.aclose()
    with pytest.raises(NotFoundError):
        await limited.stream(replace(ASK, model="nope"))
    with pytest.raises(NotFoundError):
        await limited.embed(EmbedRequest("nope", ("x" * 40,)))

    assert left(whose) == 100


async def test_what_fails_later_counts_for_what_came_of_it(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    visit(whose)
    llm.play([TextDelta("a"), TextDelta("b")], UpstreamError("no"))
    stream = await LimitedLLM(llm).stream(ASK)
    await anext(stream)
    with pytest.raises(UpstreamError):
        await anext(stream)
    await stream.aclose()

    assert left(whose) == 100 - PROMPT - 2


async def test_vectors_and_bare_prompts_count_too(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    visit(whose)
    await LimitedLLM(llm).embed(EmbedRequest("embedder", ("one two three",)))
    stream = await LimitedLLM(llm).complete_prompt(CompletionRequest("llama3", "Hi"))
    async for _ in stream:
        pass
    await stream.aclose()

    assert left(whose) == 100 - 3 - TOTAL


async def test_both_texts_around_a_hole_count(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    visit(whose)
    asked = CompletionRequest("llama3", "x" * 40, "y" * 40)

    stream = await LimitedLLM(llm).complete_prompt(asked)

    assert left(whose) == 100 - 2 * PROMPT
    await stream.aclose()


async def test_requests_and_tokens_are_refused_once_used() -> None:
    clock = FixedClock()
    whose = allowance(clock, requests_per_minute=2, tokens_per_minute=60)
    await whose.account.admit()
    await whose.account.admit()
    with pytest.raises(RateLimitError) as caught:
        await whose.account.admit()
    assert (caught.value.resource, caught.value.retry_after_s) == ("requests", 30)
    assert str(caught.value) == (
        "Rate limit reached for this API key: 2 requests per minute. Please try again in 30s."
    )

    clock.now += 30
    whose.account.take(90)
    with pytest.raises(RateLimitError) as caught:
        await whose.account.admit()
    assert (caught.value.resource, caught.value.retry_after_s) == ("tokens", 31)
    # What is refused is not counted.
    clock.now += 31
    await whose.account.admit()
    await whose.account.admit()


@pytest.mark.parametrize(
    ("models", "may", "may_not"),
    [
        (("llama3",), ["llama3", "llama3:latest", "LLAMA3", "gpt-4o"], ["thinker", "llama3:8b"]),
        (("gpt-4o",), ["gpt-4o", "GPT-4o"], ["llama3", "thinker"]),
        (("thinker", "llama3:latest"), ["thinker", "llama3", "gpt-4o"], ["viewer"]),
        ((), ["thinker", "llama3", "nope"], []),
    ],
)
def test_models_are_named_in_any_of_their_spellings(
    models: tuple[str, ...], may: list[str], may_not: list[str]
) -> None:
    whose = allowance(models=models)

    assert [model for model in (*may, *may_not) if whose.may_ask(model)] == may


async def test_no_way_leads_to_a_model_that_may_not_be_asked(llm: FakeLLM) -> None:
    visit(allowance(models=("thinker",)))
    limited = LimitedLLM(llm)
    for asking in (
        limited.stream(ASK),
        limited.complete_prompt(CompletionRequest("llama3", "Hi")),
        limited.embed(EmbedRequest("embedder", ("Hi",))),
        limited.show_model("llama3"),
        limited.delete_model("llama3"),
    ):
        with pytest.raises(PermissionDeniedError) as caught:
            await asking
        assert caught.value.code == "model_not_found"

    assert (llm.requests, llm.prompts, llm.embedded) == ([], [], [])
    assert "llama3" in llm.models
    assert [model.name for model in await limited.list_models()] == ["thinker"]
    assert (await limited.show_model("thinker")).name == "thinker"


async def test_one_request_too_many_is_refused_at_once(llm: FakeLLM) -> None:
    whose = allowance(concurrency=1)
    limited = LimitedLLM(llm)
    visit(whose)
    first = await limited.stream(ASK)

    second = visit(whose)
    with pytest.raises(RateLimitError) as caught:
        await limited.stream(ASK)
    assert caught.value.code == "rate_limit_exceeded"
    with pytest.raises(OverloadedError):
        await second.begin("llama3")
    await first.aclose()
    await first.aclose()
    await (await limited.stream(ASK)).aclose()

    assert places(whose).running == 0


async def test_answers_that_wait_for_their_turn_let_no_other_request_in(llm: FakeLLM) -> None:
    whose = allowance(concurrency=1)
    limited = LimitedLLM(llm)
    visit(whose)
    several = [asyncio.create_task(limited.stream(ASK)) for _ in range(3)]
    await asyncio.sleep(0)

    visit(whose)
    with pytest.raises(RateLimitError):
        await limited.stream(ASK)
    for answer in several:
        await (await answer).aclose()


async def test_further_answers_of_a_request_wait_for_their_turn(llm: FakeLLM) -> None:
    whose = allowance(concurrency=1)
    limited = LimitedLLM(llm)
    visit(whose)
    first = await limited.stream(ASK)
    second = asyncio.create_task(limited.stream(ASK))
    await asyncio.sleep(0)
    assert len(llm.streams) == 1
    await first.aclose()
    await (await second).aclose()

    assert len(llm.streams) == 2


async def test_a_request_that_was_let_in_waits_for_its_first_answer(llm: FakeLLM) -> None:
    whose = allowance(concurrency=1)
    limited = LimitedLLM(llm)
    background = visit(whose)
    await background.begin("llama3")
    waiting = asyncio.create_task(limited.stream(ASK))
    visit(whose)
    other = await limited.stream(ASK)
    await asyncio.sleep(0)
    assert not waiting.done()
    await other.aclose()
    await (await waiting).aclose()


async def test_what_cannot_begin_gives_its_place_back(llm: FakeLLM) -> None:
    whose = allowance(concurrency=1)
    visit(whose)
    for asking in (
        LimitedLLM(llm).stream(replace(ASK, model="nope")),
        LimitedLLM(llm).complete_prompt(CompletionRequest("nope", "Hi")),
        LimitedLLM(llm).embed(EmbedRequest("nope", ("Hi",))),
    ):
        with pytest.raises(NotFoundError):
            await asking

    assert places(whose).running == 0


async def test_a_cancelled_close_still_gives_the_place_back(llm: FakeLLM) -> None:
    whose = allowance(concurrency=1)
    visit(whose)
    stream = await LimitedLLM(llm).stream(ASK)
    closing = asyncio.create_task(stream.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)

    assert places(whose).running == 0


class Crowd:
    """Answers of a few requests, that end when they are told to."""

    def __init__(self, most: int) -> None:
        whose = allowance(concurrency=most)
        self.places = places(whose)
        self.tasks: list[asyncio.Task[None]] = []
        self._visits = [Visit(whose) for _ in range(4)]
        self._ends = asyncio.Semaphore(0)

    async def take(self, step: str, number: int) -> None:
        if step == "ask":
            self.tasks.append(asyncio.create_task(self._answer(self._visits[number % 4])))
        elif step == "end":
            self._ends.release()
        elif self.tasks:
            self.tasks[number % len(self.tasks)].cancel()
        for _ in range(10):
            await asyncio.sleep(0)

    async def _answer(self, made: Visit) -> None:
        tab = await made.enter("llama3", 0)
        try:
            await self._ends.acquire()
        finally:
            tab.leave()
            tab.leave()


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from(["ask", "end", "cancel"]), st.integers(0, 9)), max_size=40),
)
@settings(deadline=None)
def test_places_are_neither_lost_nor_made(most: int, steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        crowd = Crowd(most)
        for step, number in steps:
            await crowd.take(step, number)
            assert 0 <= crowd.places.running <= most
        for _ in crowd.tasks:
            await crowd.take("end", 0)
        await asyncio.gather(*crowd.tasks, return_exceptions=True)
        assert (crowd.places.running, crowd.places.waiting) == (0, 0)

    asyncio.run(run())


async def test_a_finish_in_the_first_batch_is_counted_once(llm: FakeLLM) -> None:
    whose = allowance(tokens_per_minute=100)
    visit(whose)
    llm.play([TextDelta("a"), Finished(FinishReason.STOP, Usage(20, 30))])
    stream = await LimitedLLM(llm).stream(ASK)
    async for _ in stream:
        pass
    await stream.aclose()

    assert left(whose) == 50
